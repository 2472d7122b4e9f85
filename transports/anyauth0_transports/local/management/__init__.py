"""The endpoints of the Management API that do more than keep documents, by their names in the SDK."""

from ..incoming import Handler
from . import clients, connections, jobs, logs, users

__all__ = ["HANDLERS"]

HANDLERS: dict[str, Handler] = {
    "users.get_all": users.get_all,
    "users.create": users.create,
    "users.get": users.get,
    "users.update": users.update,
    "users.delete": users.delete,
    "users.get_logs": logs.of_user,
    "users_by_email.get": users.by_email,
    "logs.get_all": logs.get_all,
    "jobs.import_users": jobs.import_users,
    "jobs.export_users": jobs.export_users,
    "jobs.verify_email": jobs.verify_email,
    "jobs.get": jobs.get,
    "jobs.get_errors": jobs.get_errors,
    "connections.get_all": connections.get_all,
    "connections.create": connections.create,
    "clients.create": clients.create,
    "clients.get": clients.get,
    "clients.rotate_client_secret": clients.rotate_secret,
}
