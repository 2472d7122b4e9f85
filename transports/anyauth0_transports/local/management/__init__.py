"""The endpoints of the Management API that do more than keep documents: method and path to handler."""

from ..incoming import Handler
from . import actions, clients, connections, events, identities, jobs, keys, logs, users

__all__ = ["HANDLERS"]

HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/users"): users.get_all,
    ("POST", "/users"): users.create,
    ("GET", "/users/{id}"): users.get,
    ("PATCH", "/users/{id}"): users.update,
    ("DELETE", "/users/{id}"): users.delete,
    ("GET", "/users/{id}/logs"): logs.of_user,
    ("POST", "/users/{id}/identities"): identities.link,
    ("DELETE", "/users/{id}/identities/{provider}/{user_id}"): identities.unlink,
    ("GET", "/users/{id}/effective-permissions"): users.get_effective_permissions,
    ("GET", "/users-by-email"): users.by_email,
    ("GET", "/logs"): logs.get_all,
    ("GET", "/events"): events.subscribe,
    ("POST", "/jobs/users-imports"): jobs.import_users,
    ("POST", "/jobs/users-exports"): jobs.export_users,
    ("POST", "/jobs/verification-email"): jobs.verify_email,
    ("GET", "/jobs/{id}"): jobs.get,
    ("GET", "/jobs/{id}/errors"): jobs.get_errors,
    ("GET", "/connections"): connections.get_all,
    ("POST", "/connections"): connections.create,
    ("GET", "/connections/{id}/clients"): connections.get_enabled_clients,
    ("PATCH", "/connections/{id}/clients"): connections.update_enabled_clients,
    ("GET", "/connections-directory-provisionings"): connections.get_provisionings,
    ("GET", "/connections-scim-configurations"): connections.get_provisionings,
    ("DELETE", "/connections/{id}/users"): connections.delete_user,
    ("GET", "/clients"): clients.get_all,
    ("GET", "/clients/search"): clients.search,
    ("POST", "/clients"): clients.create,
    ("GET", "/clients/{id}"): clients.get,
    ("PATCH", "/clients/{id}"): clients.update,
    ("GET", "/clients/{id}/connections"): clients.get_enabled_connections,
    ("POST", "/clients/{id}/rotate-secret"): clients.rotate_secret,
    ("POST", "/actions/actions/{id}/deploy"): actions.deploy,
    ("POST", "/actions/actions/{actionId}/versions/{id}/deploy"): actions.deploy_version,
    ("POST", "/actions/modules/{id}/versions"): actions.create_module_version,
    ("POST", "/actions/modules/{id}/rollback"): actions.rollback_module,
    ("PATCH", "/actions/triggers/{triggerId}/bindings"): actions.bind,
    ("GET", "/keys/signing"): keys.get_all,
    ("GET", "/keys/signing/{kid}"): keys.get,
    ("POST", "/keys/signing/rotate"): keys.rotate,
    ("PUT", "/keys/signing/{kid}/revoke"): keys.revoke,
}
