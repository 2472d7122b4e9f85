"""What the blocks of each page find, and what is true when they have run."""

import base64
import hashlib
import json
import logging
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any, TypeAlias

from anyauth0.jose import generate_key, public_jwk

from .blocks import ROOT
from .blocks_stage import Enough, PageStage
from .blocks_tokens import tokens
from .blocks_verification import verification
from .stage import ADA, CALLBACK

Names: TypeAlias = dict[str, Any]
Preparation: TypeAlias = Callable[[PageStage], Iterator[Names]]


def readme(stage: PageStage) -> Iterator[Names]:
    stage.instead = {"8443": "0"}
    stage.tenant.add_api("your-api")
    stage.tenant.add_user(user_id="123", email="grace@example.com")
    yield {}
    user = stage.tenant.store.get("users", "auth0|123")
    assert user is not None
    assert user["user_metadata"] == {"plan": "pro"}
    assert stage.names["tokens"].access_token


def authentication(stage: PageStage) -> Iterator[Names]:
    stage.tenant.add_organization("acme", id="org_123")
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    back = stage.tenant.authorize(
        user=ADA, redirect_uri=CALLBACK, scope="openid", nonce="n1", max_age=300, organization="org_123",
        code_challenge=challenge, code_challenge_method="S256",
    )  # fmt: skip
    code = back.partition("code=")[2].partition("&")[0]
    yield {"auth": stage.auth(), "code": code, "code_verifier": verifier, "nonce": "n1"}
    assert stage.names["tokens"].claims["org_id"] == "org_123"


def command_line(stage: PageStage) -> Iterator[Names]:
    tenant, kept = stage.tenant, dict[tuple[str, str], str]()
    keyring = SimpleNamespace(
        get_password=lambda service, name: kept.get((service, name)),
        set_password=lambda service, name, password: kept.update({(service, name): password}),
        delete_password=lambda service, name: kept.pop((service, name)),
    )
    stage.patch.setitem(sys.modules, "keyring", keyring)
    stage.typed = {"anyauth0 login": f"{tenant.domain}\n{tenant.client_id}\n{tenant.client_secret}\n"}
    stage.ends = {"anyauth0 logs --follow": 130}
    tenant.add_user(user_id="123", email="grace@example.com")
    (stage.folder / "users.csv").write_text("email,app_metadata.plan\nnew@example.com,pro\n")
    first = tenant.log("s", description="first")["log_id"]
    tenant.log("s", description="second")
    position = stage.folder / ".auth0-log"
    position.write_text(first)
    yield {}
    assert position.read_text() != first
    assert kept == {}
    assert tenant.store.find("users", email="new@example.com")[0]["app_metadata"] == {"plan": "pro"}
    assert "new@example.com" in (stage.folder / "users.csv").read_text()


def design(stage: PageStage) -> Iterator[Names]:
    # All that there is is missing in it: a difference, by the exit code.
    (stage.folder / "openapi.json").write_text(json.dumps({"openapi": "3.1.0", "paths": {}}))
    stage.ends = {".venv/bin/python core/codegen/generate.py --compare": 1}
    yield {}


def embedded_tenant(stage: PageStage) -> Iterator[Names]:
    stage.instead = {"8443": "0"}
    yield {"public_key": public_jwk(generate_key("ES256"))}
    page = stage.names["tenant"]
    assert stage.names["tokens"].access_token
    assert len(stage.names["code"]) == 6
    assert (stage.folder / "tenant.sqlite").exists()
    page.close()


def management(stage: PageStage) -> Iterator[Names]:
    tenant, number, saved = stage.tenant, count(), list[str]()
    tenant.add_connection("imported", id="con_123", options={"import_mode": True})
    stage.management().users.delete(stage.ada["user_id"])

    def save(offset: str) -> None:
        saved.append(offset)
        raise Enough

    # Somebody signs up while the page waits for events.
    stage.pauses = [lambda: tenant.add_user(email=f"new{next(number)}@example.com")] * 1000
    yield {"management": stage.management(), "password": "correct-Horse-9", "save": save}
    assert len(saved) == 1
    connection = tenant.store.get("connections", "con_123")
    assert connection is not None
    assert connection["options"] == {"import_mode": True, "brute_force_protection": True}


def observability(stage: PageStage) -> Iterator[Names]:
    ours = logging.getLogger("anyauth0")
    stage.patch.setattr(logging.root, "handlers", [])
    stage.patch.setattr(ours, "level", ours.level)
    yield {}
    ours.setLevel(logging.NOTSET)


def odd_places(stage: PageStage) -> Iterator[Names]:
    with zipfile.ZipFile(stage.folder / "app.zip", "w") as archive:
        for package in (ROOT / "core" / "anyauth0").rglob("*.py"):
            archive.write(package, package.relative_to(ROOT / "core"))
    yield {}


PREPARATIONS: dict[str, Preparation] = {
    "README": readme,
    "authentication": authentication,
    "command-line": command_line,
    "design": design,
    "embedded-tenant": embedded_tenant,
    "management": management,
    "observability": observability,
    "odd-places": odd_places,
    "tokens": tokens,
    "verification": verification,
}
