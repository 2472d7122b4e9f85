"""What the blocks of the page on kept tokens find, and what is true afterwards."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from anyauth0 import ManagementClient

from ..authentication.processes import redis_server
from .blocks_stage import PageStage
from .exchanges import PEM
from .stage import ADA, API

Names: TypeAlias = dict[str, Any]
PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def tokens(stage: PageStage) -> Iterator[Names]:
    old, new = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    by_old, by_new = (
        stage.tenant.add_client(public_key=key.public_key().public_bytes(*PUBLIC)) for key in (old, new)
    )
    kept: dict[str, Any] = {}

    def token_by(plugin: object, client: dict[str, Any]) -> object:
        auth = stage.client(client, plugins=[plugin])
        return auth.tokens.get(audience=API)

    def kms_sign(*, Message: bytes, **_: str) -> dict[str, bytes]:
        return {"Signature": old.sign(Message, padding.PKCS1v15(), hashes.SHA256())}

    def stores_work() -> None:
        for name in ("store", "fleet"):
            store = stage.names[name]
            with ManagementClient(**stage.settings(token_store=store)) as management:
                assert management.users.get(stage.ada["user_id"]).data.email == ADA
        assert list((stage.folder / "tokens").iterdir())

    def own_store_works() -> None:
        stage.client(token_store=stage.names["MyStore"]()).tokens.get(audience=API)
        assert len(kept) == 1

    stage.checks = {
        "FileTokenStore(": stores_work,
        "class MyStore": own_store_works,
        "private_key(old_pem": lambda: token_by(stage.names["keys"], by_new),
        "remote_key(": lambda: token_by(stage.names["keys"], by_old),
    }
    stage.patch.setenv("TOKEN_STORE_KEY", "a passphrase of the test")
    login = stage.tokens("openid offline_access read:notes", audience=API)
    with redis_server() as server:
        stage.instead = {
            "/var/lib/my-service": str(stage.folder),
            "redis://cache.internal:6379/0": server.url,
        }
        yield {
            "session": {"refresh_token": login.refresh_token},
            "read": kept.get,
            "write": kept.__setitem__,
            "delete": kept.pop,
            "old_pem": old.private_bytes(*PEM),
            "new_pem": new.private_bytes(*PEM),
            "kms": SimpleNamespace(sign=kms_sign),
        }
    assert stage.names["headers"]["Authorization"].startswith("Bearer ey")
