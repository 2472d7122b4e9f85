"""Jobs of the tenant's Management API: rows really imported, errors told by row, progress to be seen."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from anyauth0 import Request
from anyauth0_transports.local import LocalTenant

Api = Any

GOOD = {"email": "ada@example.com", "given_name": "Ada", "app_metadata": {"plan": "gold"}}


def start(api: Api, rows: Any, *, connection: str | None = None, **fields: str) -> tuple[int, Any]:
    """Post a form of hand-made bytes: what the SDK sends is tested elsewhere."""
    connection = connection or api.tenant.store.list("connections")[0]["id"]
    parts = {"connection_id": connection, **fields}
    content = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    body = b"".join(
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    )
    body += b'--cut\r\nContent-Disposition: form-data; name="users"; filename="users.json"\r\n'
    body += b"Content-Type: application/json\r\n\r\n" + content + b"\r\n--cut--\r\n"
    return post(api, body, "multipart/form-data; boundary=cut")


def post(api: Api, body: bytes, kind: str) -> tuple[int, Any]:
    request = Request(
        method="POST", url=f"https://{api.tenant.domain}/api/v2/jobs/users-imports", body=body,
        headers={"authorization": f"Bearer {api.token}", "content-type": kind},
    )  # fmt: skip
    response = api.tenant.transport().send(request)
    return response.status, json.loads(response.body)


def to_the_end(api: Api, job: Any) -> list[Any]:
    """Look at a job until it is done; return all that was seen."""
    seen = [job]
    while seen[-1]["status"] not in ("completed", "failed"):
        assert len(seen) < 10
        seen.append(api("GET", f"/jobs/{job['id']}")[1])
    return seen


def test_rows_are_imported_bit_by_bit(tenant: LocalTenant, api: Api) -> None:
    status, job = start(api, [{"email": f"{n}@example.com"} for n in range(9)], external_id="mine")
    assert status == 202
    assert (job["status"], job["type"], job["external_id"]) == ("pending", "users_import", "mine")
    assert tenant.store.count("users") == 0
    seen = to_the_end(api, job)
    assert [look["status"] for look in seen] == ["pending", "processing", "processing", "completed"]
    assert [look["percentage_done"] for look in seen] == [0, 33, 66, 100]
    assert seen[-1]["summary"] == {"failed": 0, "updated": 0, "inserted": 9, "total": 9}
    assert tenant.store.count("users") == 9
    assert api("GET", f"/jobs/{job['id']}/errors") == (204, None)
    # Looking at it again imports nothing again.
    assert api("GET", f"/jobs/{job['id']}")[1] == seen[-1]
    assert "upsert" not in seen[-1]


def test_a_bad_row_is_told_and_the_others_are_imported(tenant: LocalTenant, api: Api) -> None:
    tenant.add_user(email="bob@example.com")
    rows = [GOOD, {"given_name": "Nobody"}, {"email": "nonsense"}, {"email": "BOB@example.com"}, GOOD, "text"]
    _, job = start(api, rows)
    done = to_the_end(api, job)[-1]
    assert done["summary"] == {"failed": 5, "updated": 0, "inserted": 1, "total": 6}
    status, errors = api("GET", f"/jobs/{job['id']}/errors")
    assert status == 200
    assert [error["user"] for error in errors] == rows[1:]
    assert [(error["errors"][0]["code"], error["errors"][0]["path"]) for error in errors] == [
        ("OBJECT_MISSING_REQUIRED_PROPERTY", "email"), ("INVALID_FORMAT", "email"),
        ("DUPLICATED_USER", "email"), ("DUPLICATED_USER", "email"), ("INVALID_TYPE", ""),
    ]  # fmt: skip
    assert all(error["errors"][0]["message"] for error in errors)
    ada = api("GET", "/users-by-email", email="ada@example.com")[1][0]
    assert (ada["given_name"], ada["app_metadata"]) == ("Ada", {"plan": "gold"})


def test_upsert_changes_who_is_there(tenant: LocalTenant, api: Api) -> None:
    ada = tenant.add_user(email="ada@example.com", password="correct-Horse-7", nickname="countess")
    row = {**GOOD, "user_id": "other", "password_hash": "$2b$10$secret"}
    done = to_the_end(api, start(api, [row], upsert="true")[1])[-1]
    assert done["summary"] == {"failed": 0, "updated": 1, "inserted": 0, "total": 1}
    found = tenant.store.get("users", ada["user_id"])
    assert found is not None
    assert (found["given_name"], found["nickname"]) == ("Ada", "countess")
    assert "secret" not in json.dumps(found)


@pytest.mark.parametrize("rows", [b"{", b"{}", b"\xff\xfe", b"5"])
def test_a_file_that_is_no_list_fails_the_job(api: Api, rows: bytes) -> None:
    status, job = start(api, rows)
    assert status == 202
    done = to_the_end(api, job)[-1]
    assert done["status"] == "failed"
    assert "valid JSON" in done["status_details"]
    assert api("GET", f"/jobs/{job['id']}/errors")[1]["status"] == "failed"


def test_a_form_that_lacks_something_is_refused(api: Api) -> None:
    assert start(api, [], connection="con_none")[0] == 400
    assert post(api, b"{}", "application/json")[0] == 400
    connection = api.tenant.store.list("connections")[0]["id"]
    form = f'--cut\r\nContent-Disposition: form-data; name="connection_id"\r\n\r\n{connection}\r\n--cut--\r\n'
    status, answer = post(api, form.encode(), "multipart/form-data; boundary=cut")
    assert (status, "users" in answer["message"]) == (400, True)


def test_an_export_is_a_job_that_ends(api: Api) -> None:
    status, job = api("POST", "/jobs/users-exports", {"format": "csv", "limit": 5})
    assert status in (200, 201)
    assert (job["type"], job["format"]) == ("users_export", "csv")
    assert to_the_end(api, job)[-1]["status"] == "completed"
    assert api("GET", "/jobs/job_none")[0] == 404
    assert api("GET", "/jobs/job_none/errors")[0] == 404


def test_a_verification_mail_is_in_the_outbox(tenant: LocalTenant, api: Api) -> None:
    ada = tenant.add_user(email="ada@example.com")
    status, job = api("POST", "/jobs/verification-email", {"user_id": ada["user_id"]})
    assert status == 201
    assert to_the_end(api, job)[-1]["status"] == "completed"
    assert [(mail.kind, mail.to) for mail in tenant.outbox] == [("verification_email", "ada@example.com")]
    assert api("POST", "/jobs/verification-email", {"user_id": "auth0|nobody"})[0] == 404
    nameless = tenant.add_user(username="nameless")
    assert api("POST", "/jobs/verification-email", {"user_id": nameless["user_id"]})[0] == 400
    assert api("GET", f"/users/{quote(ada['user_id'])}")[1]["email_verified"] is False
