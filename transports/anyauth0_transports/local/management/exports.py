"""Exported files: made once, served in parts to whoever has the signed address, for a minute."""

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

__all__ = ["PATH", "address", "export", "serve"]

PATH = "/exports/"
_LIFETIME = 60
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


def export(tenant: "LocalTenant", job: dict[str, Any]) -> None:
    """Make the file of an export job."""
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
    data = gzip.compress(content, mtime=0)
    tenant.store.put("exports", job["id"], {"data": data.hex(), "secret": secrets.token_hex(32)})


def address(tenant: "LocalTenant", incoming: Incoming, job: dict[str, Any]) -> str | None:
    """Return an address of the file of a job, signed for a minute from now; `None` where there is no file."""
    kept = tenant.store.get("exports", job["id"])
    if kept is None:
        return None
    expires = str(int(tenant.clock()) + _LIFETIME)
    scheme = incoming.url.partition(":")[0]
    query = f"Expires={expires}&Signature={_signature(kept['secret'], expires)}"
    return f"{scheme}://{tenant.domain}{PATH}{job['id']}.gz?{query}"


def _signature(secret: str, expires: str) -> str:
    return hmac.new(secret.encode(), expires.encode(), sha256).hexdigest()


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
    expires, given = incoming.one("Expires") or "", incoming.one("Signature") or ""
    if kept is None or not hmac.compare_digest(given.encode(), _signature(kept["secret"], expires).encode()):
        raise management_refusal(403, "access_denied", "The address is not signed for this file")
    if tenant.clock() > int(expires):
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
