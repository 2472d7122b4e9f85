"""Exported files: made once, served in parts to whoever has the signed address, for a day."""

import csv
import gzip
import hmac
import io
import re
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, management_refusal

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["PATH", "export", "serve"]

PATH = "/exports/"
_LIFETIME = 86400
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_FIELDS = (
    "user_id",
    "email",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "created_at",
    "updated_at",
)


def export(tenant: "LocalTenant", job: dict[str, Any]) -> str:
    """Make the file of an export job, and return its address."""
    users = tenant.store.list("users")
    connection = tenant.store.get("connections", str(job.get("connection_id")))
    if connection is not None:
        users = [user for user in users if user["identities"][0]["connection"] == connection["name"]]
    wanted = job.get("fields") or [{"name": name} for name in _FIELDS]
    rows = [
        {str(field.get("export_as") or field["name"]): _value(user, str(field["name"])) for field in wanted}
        for user in users[: job.get("limit")]
    ]
    content = _csv(rows) if job.get("format") == "csv" else b"".join(map(_line, rows))
    secret = secrets.token_urlsafe(16)
    expires = int(tenant.clock()) + _LIFETIME
    data = gzip.compress(content, mtime=0)
    tenant.store.put("exports", job["id"], {"data": data.hex(), "secret": secret, "expires": expires})
    return f"https://{tenant.domain}{PATH}{job['id']}.gz?Expires={expires}&Signature={secret}"


def _value(user: dict[str, Any], path: str) -> Any:
    value: Any = user
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]


def _line(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: value for name, value in row.items() if value is not None}) + b"\n"


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def serve(tenant: "LocalTenant", incoming: Incoming) -> Response:
    """Answer GET of an exported file: all of it, or the part that was asked for (RFC 9110, section 14)."""
    kept = tenant.store.get("exports", incoming.path.removeprefix(PATH).removesuffix(".gz"))
    given = incoming.query.get("Signature", ("",))[0]
    if kept is None or not hmac.compare_digest(given.encode(), kept["secret"].encode()):
        raise management_refusal(403, "access_denied", "The address is not signed for this file")
    if tenant.clock() > kept["expires"]:
        raise management_refusal(403, "access_denied", "The address has expired")
    data = bytes.fromhex(kept["data"])
    etag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"content-type": "application/gzip", "accept-ranges": "bytes", "etag": etag}
    found = _RANGE.fullmatch(incoming.headers.get("range", ""))
    if found is None or incoming.headers.get("if-range", etag) != etag:
        return Response(status=200, headers=headers, body=data)
    start = int(found[1])
    if start >= len(data):
        return Response(status=416, headers={**headers, "content-range": f"bytes */{len(data)}"})
    end = min(int(found[2] or len(data) - 1), len(data) - 1)
    headers["content-range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(status=206, headers=headers, body=data[start : end + 1])
