"""Jobs that are really done: rows imported bit by bit, each time the job is looked at, errors told by row."""

from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any, cast

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..store import Duplicate
from ..users import create_user, find_user
from ..values import random_id, section, timestamp
from .asked import merged, missing, no_content
from .exports import address, export
from .users import EMAIL

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["export_users", "get", "get_errors", "import_users", "verify_email"]

_LARGEST_FILE = 500_000
_MOST_ACTIVE = 2
_STEPS = 3
"""How often an import has to be looked at until it is done."""
_ACTIVE = frozenset({"pending", "processing"})


def import_users(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /jobs/users-imports."""
    fields = _multipart(incoming)
    connection = tenant.store.get("connections", fields.get("connection_id", b"").decode())
    if connection is None:
        raise management_refusal(400, "inexistent_connection", "The connection does not exist.")
    if "users" not in fields:
        raise management_refusal(
            400, "invalid_body", "Payload validation error: 'Missing required property: users'"
        )
    _wait_for_room(tenant)
    if len(fields["users"]) > _LARGEST_FILE:
        raise management_refusal(413, "payload_too_large", "The users file is larger than 500 KB")
    try:
        rows: object = msgspec.json.decode(fields["users"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        rows = None
    job = _new_job(
        tenant, "users_import",
        connection_id=connection["id"], connection=connection["name"], percentage_done=0,
        upsert=fields.get("upsert") == b"true",
        **({"external_id": fields["external_id"].decode()} if "external_id" in fields else {}),
    )  # fmt: skip
    readable = isinstance(rows, list)
    tenant.store.put("job_rows", job["id"], {"rows": rows if readable else None, "done": 0, "errors": []})
    return json_response(_shown(job), 202)


def _wait_for_room(tenant: "LocalTenant") -> None:
    """Refuse an import while two are active; these go on meanwhile, as they do where nobody looks."""
    imports = tenant.store.find("jobs", type="users_import")
    active = [job for job in imports if job["status"] in _ACTIVE]
    if len(active) >= _MOST_ACTIVE:
        for job in active:
            tenant.store.put("jobs", job["id"], _advance(tenant, job))
        raise management_refusal(
            429, None, "There are 2 active import users jobs, please wait until some of them are finished"
        )


def _multipart(incoming: Incoming) -> dict[str, bytes]:
    head = f"content-type: {incoming.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + incoming.body)
    if not message.is_multipart():
        raise management_refusal(400, "invalid_body", "The body is not multipart/form-data")
    fields: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content
    return fields


def export_users(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /jobs/users-exports: the file is made when the job is looked at first."""
    wanted = incoming.json()
    if "connection_id" in wanted and tenant.store.get("connections", str(wanted["connection_id"])) is None:
        raise management_refusal(400, "inexistent_connection", "The connection does not exist.")
    return json_response(_shown(_new_job(tenant, "users_export", **wanted)))


def verify_email(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /jobs/verification-email."""
    from ..tenant import Message

    user = tenant.store.get("users", str(incoming.json().get("user_id")))
    if user is None:
        raise management_refusal(404, "inexistent_user", "The user does not exist.")
    if not user.get("email"):
        raise management_refusal(400, "invalid_body", "The user has no email address.")
    link = f"{tenant.issuer}u/email-verification?ticket={random_id(32)}"
    tenant.send_message(Message(kind="verification_email", to=user["email"], link=link))
    return json_response(_shown(_new_job(tenant, "verification_email")), 201)


def get(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /jobs/{id}: each look lets the job go on for a while."""
    job = tenant.store.get("jobs", path[0])
    if job is None:
        raise missing("job")
    if job["status"] in _ACTIVE:
        job = _advance(tenant, job)
        tenant.store.put("jobs", job["id"], job)
    location = address(tenant, incoming, job)
    return json_response({**_shown(job), **({"location": location} if location else {})})


def get_errors(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /jobs/{id}/errors."""
    job = tenant.store.get("jobs", path[0])
    if job is None:
        raise missing("job")
    if job["status"] == "failed":
        return json_response(_shown(job))
    work = tenant.store.get("job_rows", path[0])
    return json_response(work["errors"]) if work and work["errors"] else no_content()


def _new_job(tenant: "LocalTenant", kind: str, **fields: Any) -> dict[str, Any]:
    job = {
        "id": f"job_{random_id(16)}",
        "type": kind,
        "status": "pending",
        "created_at": timestamp(tenant.clock()),
        **fields,
    }
    tenant.store.add("jobs", job["id"], job)
    return job


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name != "upsert"}


def _advance(tenant: "LocalTenant", job: dict[str, Any]) -> dict[str, Any]:
    work = tenant.store.get("job_rows", job["id"])
    if job["type"] == "users_export":
        export(tenant, job)
    if work is None:
        return {**job, "status": "completed", "percentage_done": 100}
    rows = work["rows"]
    if rows is None:
        details = "Failed to parse users file JSON when importing users. Make sure it is valid JSON."
        return {**job, "status": "failed", "status_details": details}
    connection = tenant.store.get("connections", job["connection_id"])
    start = work["done"]
    end = min(len(rows), start + max(1, -(-len(rows) // _STEPS)))
    summary = section(job, "summary") or {"failed": 0, "updated": 0, "inserted": 0, "total": len(rows)}
    for row in rows[start:end]:
        outcome, errors = _import_row(tenant, connection, row, upsert=bool(job.get("upsert")))
        summary[outcome] += 1
        if errors:
            work["errors"].append({"user": row, "errors": errors})
    tenant.store.put("job_rows", job["id"], {**work, "done": end})
    done = end == len(rows)
    share = 100 if done else 100 * end // len(rows)
    return {
        **job,
        "status": "completed" if done else "processing",
        "percentage_done": share,
        "summary": summary,
    }


Errors = list[dict[str, str]]


def _import_row(
    tenant: "LocalTenant", connection: dict[str, Any] | None, row: object, *, upsert: bool
) -> tuple[str, Errors]:
    """Import one row; return whether it was `inserted`, `updated` or `failed`, and why."""
    errors = _mistakes(row)
    if errors or connection is None:
        return "failed", errors
    fields = {
        name: value
        for name, value in cast("dict[str, Any]", row).items()
        if name not in ("password_hash", "custom_password_hash", "mfa_factors")
    }
    try:
        create_user(tenant, connection, fields)
    except Duplicate:
        pass
    else:
        return "inserted", []
    name = str(fields.get("email") or fields.get("username") or fields.get("phone_number"))
    known = find_user(tenant, connection["name"], name.lower() if "@" in name else name)
    if known is None:
        return "failed", [_error("DUPLICATED_USER", "There is a user of this id.", "user_id")]
    if not upsert:
        return "failed", [_error("DUPLICATED_USER", "The user already exists.", "email")]
    fields.pop("user_id", None)
    tenant.store.put("users", known["user_id"], merged(known, fields))
    return "updated", []


def _mistakes(row: object) -> Errors:
    if not isinstance(row, dict):
        return [_error("INVALID_TYPE", "A row must be an object.", "")]
    fields = cast("dict[str, Any]", row)
    email = fields.get("email")
    if email is None and not (fields.get("username") or fields.get("phone_number")):
        return [_error("OBJECT_MISSING_REQUIRED_PROPERTY", "Missing required property: email", "email")]
    if email is not None and not (isinstance(email, str) and EMAIL.fullmatch(email)):
        return [_error("INVALID_FORMAT", "Object didn't pass validation for format email.", "email")]
    return []


def _error(code: str, message: str, path: str) -> dict[str, str]:
    return {"code": code, "message": message, "path": path}
