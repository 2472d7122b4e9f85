"""What the server of the benchmarks answers: a user, and a page of a hundred, as full as real ones."""

import json

HEADERS = (
    b"HTTP/1.1 200 OK", b"Date: Tue, 24 Nov 2026 15:46:57 GMT", b"Connection: keep-alive",
    b"Content-Type: application/json; charset=utf-8", b"CF-RAY: 0123456789abcdef-FRA",
    b"CF-Cache-Status: DYNAMIC", b"Cache-Control: no-cache", b"Vary: origin,accept-encoding",
    b"X-Content-Type-Options: nosniff",
    b"Strict-Transport-Security: max-age=31536000; includeSubDomains", b"X-RateLimit-Limit: 100",
    b"X-RateLimit-Remaining: 99", b"X-RateLimit-Reset: 1795535217", b"Server: cloudflare",
    b"Auth0-Quota-Tenant-Limit: b=per_hour;q=100;r=99;t=1",
)  # fmt: skip


def user(number: int) -> dict[str, object]:
    """Return a user with the fields that a user of a database or of Google has."""
    name, family = ("Ada", "Grace", "Zoë", "Žofie", "Linus")[number % 5], f"Lovelace-{number}"
    own = f"{number:024x}"
    identity: dict[str, object] = {
        "connection": "Users",
        "provider": "auth0",
        "user_id": own,
        "isSocial": False,
    }
    linked: dict[str, object] = {
        "connection": "google-oauth2",
        "provider": "google-oauth2",
        "user_id": f"1{number:020}",
        "isSocial": True,
        "profileData": {
            "email": f"ada{number}@example.com",
            "email_verified": True,
            "name": f"{name} {family}",
            "given_name": name,
            "family_name": family,
        },
    }
    return {
        "user_id": f"auth0|{own}",
        "email": f"ada{number}@example.com",
        "email_verified": number % 3 > 0,
        "name": f"{name} {family}",
        "given_name": name,
        "family_name": family,
        "nickname": f"ada{number}",
        "picture": f"https://s.gravatar.com/avatar/{own}?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fad.png",
        "created_at": f"2025-01-{number % 28 + 1:02}T10:11:12.345Z",
        "updated_at": f"2026-11-{number % 28 + 1:02}T13:14:15.678Z",
        "last_login": f"2026-11-{number % 28 + 1:02}T13:14:15.678Z",
        "last_ip": f"203.0.113.{number % 256}",
        "logins_count": number * 7 + 1,
        "identities": [identity] if number % 4 else [identity, linked],
        "user_metadata": {"language": "cs", "theme": {"dark": True, "size": 14}, "topics": ["news"]},
        "app_metadata": {
            "plan": "enterprise",
            "roles": ["reader", "writer"],
            "billing": {"customer": f"cus_{own}", "seats": number, "since": "2025-02-01T00:00:00.000Z"},
        },
    }


def page() -> dict[str, object]:
    """Return a page of a hundred users, with the totals."""
    users = [user(number) for number in range(100)]
    return {"start": 0, "limit": 100, "length": 100, "total": 100, "users": users}


def answer(value: object) -> bytes:
    """Return the whole HTTP answer with `value` as its body."""
    body = encoded(value)
    return b"\r\n".join((*HEADERS, b"Content-Length: %d" % len(body), b"", body))


def encoded(value: object) -> bytes:
    """Return `value` as the API writes it: no spaces, and characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
