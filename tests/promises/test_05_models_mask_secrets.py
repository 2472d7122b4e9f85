"""Promise 5: what the APIs answer shows ids and names, and no secret, whatever its type and its operation."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, get_args

import msgspec
import pytest

import anyauth0.authentication
import anyauth0.verification
from anyauth0 import Call, ManagementClient, Page, Response
from anyauth0.endpoint import EndpointFacts
from anyauth0.redaction import is_secret, shown

from ..management.catalogue import LISTED, Schema, properties, resolved, success
from ..management.sampler import answers, samples
from .leaks import CANARY, canary, leaks, shown_by_rich

# What a reader of the catalogue takes for secret by its name, wider than our own list on purpose.
_SUSPECT = re.compile(
    r"secret|passw|pwd|token|ticket|otp|credential|private|cookie|assertion|api_?key|write_?key|access_?key|skey|secret_?key|master_?key|server_?key"
    r"|recovery|auth_?session|oob_?code|barcode|code_?verifier|signature|invitation|location$|authorization$"
    r"|request_uri|device_code|auth_req_id|passphrase|nonce",
    re.IGNORECASE,
)
# ... and what is none of it: names of kinds, of algorithms, of rules, of settings, and of what is public.
_HARMLESS = re.compile(
    r"_type$|_id$|_method$|_methods$|_alg$|_policy$|_length$|_dialect|_lifetime|_time$|_endpoint|_encoding|_enabled"
    r"|_supported|^enforce_|^allow_|^require|^enable_|_landing_|_binding|_metadata|_quota|_encoded|_exchange|_mode$"
    r"|_transfer|_format$|_autocomplete|^last_|_window|_preference|^include_|^send_|_delivery_|_behavior|_at$|_status$"
    r"|expires_?in|_jwt_(iss|sub)$|KeyName$|Algorithm$|EndpointUrl$"
)
# An id of what is secret is none; these alone let in whoever has them.
STREAM = "events.subscribe"

_KEYS = {"ticket_id", "auth_req_id"}


def suspect(name: str) -> bool:
    return name in _KEYS or bool(_SUSPECT.search(name) and not _HARMLESS.search(name))


def test_every_field_that_looks_secret_is_on_the_list() -> None:
    unmasked = {name for schema in fields_of_answers() for name in schema if suspect(name)}
    unmasked |= {
        name for kind in structs(anyauth0.authentication) for name in kind.__struct_fields__ if suspect(name)
    }
    assert len(unmasked) > 20
    assert {name for name in unmasked if not is_secret(name)} == set()


def fields_of_answers() -> Iterator[dict[str, list[Schema]]]:
    for operation in LISTED:
        _, schema = success(operation)
        waiting, seen = [schema] if schema else [], set[int]()
        while waiting:
            each = resolved(waiting.pop())
            if id(each) in seen:
                continue
            seen.add(id(each))
            named = properties(each)
            # An object with fields of its own knows which of them are secret.
            yield {
                name: kinds
                for name, kinds in named.items()
                if any(resolved(kind).get("type") in ("string", ["string", "null"]) for kind in kinds)
            }
            waiting += [kind for kinds in named.values() for kind in kinds]
            waiting += [each[key] for key in ("items",) if key in each]
            waiting += [part for key in ("oneOf", "anyOf", "allOf") for part in each.get(key, ())]
            extra = each.get("additionalProperties")
            waiting += [extra] if isinstance(extra, dict) else []


def planted(value: Any, secret: Callable[[], Any], name: str = "") -> Any:
    """Return a value with a secret in each text under a secret name."""
    if isinstance(value, dict):
        pair = "value" in value and ("key" in value or "header" in value)
        return {
            key: secret() if pair and key == "value" else planted(each, secret, key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [planted(each, secret, name) for each in value]
    return secret() if isinstance(value, str) and suspect(name) else value


SECRETS: dict[str, Callable[[], Any]] = {
    "a text": canary,
    "an object in its place": lambda: {"odd": canary(), "value": canary()},
    "a list in its place": lambda: [canary(), [canary()]],
    "a number, as text": lambda: f"{CANARY}0123456789",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_answer_of_any_operation_of_the_management_api_shows_a_secret(secret: Callable[[], Any]) -> None:
    said: list[Response] = []
    client = ManagementClient(domain="t.example", token="t", transport=lambda request: said[0])
    planted_in = 0
    for operation in LISTED:
        title = f"{operation['resource']}.{operation['name']}"
        _, schema = success(operation)
        if title == STREAM or schema is None:
            continue
        owner = type(getattr(client, operation["resource"]))
        method = inspect.getattr_static(owner, operation["name"])
        # Each makes another choice where the schema has one.
        for value in islice(samples(schema), 8 if secret is canary else 1):
            body = json.dumps(planted(value, secret)).encode()
            if CANARY.encode() not in body:
                continue
            planted_in += 1
            said[:] = [Response(status=200, headers={"set-cookie": canary()}, body=body)]
            response = client._core.run(client._core.perform(method, Call(model_of(method))))
            data = response.data
            items = list(data) if isinstance(data, Page) else data
            assert not leaks(f"{response} {response.response} {response.anomalies} {data} {items}"), title
    assert planted_in > 40


RICH = ["users.get", "clients.get", "log_streams.get", "tickets.verify_email", "branding.get_settings"]


@pytest.mark.parametrize("title", RICH)
def test_rich_shows_no_more_than_repr(title: str) -> None:
    resource, _, name = title.partition(".")
    client = ManagementClient(domain="t.example", token="t")
    method = inspect.getattr_static(type(getattr(client, resource)), name)
    body = json.dumps(planted(answers(title)[0], canary)).encode()
    model = msgspec.json.decode(body, type=model_of(method))
    text = shown_by_rich(model)
    assert type(model).__name__ in text
    assert (CANARY.encode() in body) is ("'***'" in text)
    assert not leaks(text)


def model_of(method: EndpointFacts[..., Any]) -> Any:
    """Return the type that an endpoint answers."""
    return get_args(method.function.__annotations__["return"])[0]


def structs(package: Any) -> list[type[msgspec.Struct]]:
    """Return all structs of a package of ours."""
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    found = {
        value
        for module in map(importlib.import_module, names)
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and value.__module__ == module.__name__
    }
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", structs(anyauth0.authentication), ids=lambda kind: kind.__name__)
def test_no_value_of_the_authentication_api_shows_a_secret(kind: type[msgspec.Struct]) -> None:
    # All texts but those that a user is shown anyway.
    open_ = {"user_code", "verification_uri", "verification_uri_complete", "redirect_uri"}
    fields = {
        name: f"https://h/{name}" if name in open_ else canary()
        for name in kind.__struct_fields__
        if suspect(name) or name in {"state", "nonce", "recovery_codes", "members", "token"}
    }
    value = kind(**{**dict.fromkeys(kind.__struct_fields__, "https://h/x"), **fields})
    assert not leaks(f"{value!r} {value} {shown_by_rich(value)}")
    assert kind.__name__ in repr(value)


@pytest.mark.parametrize("kind", structs(anyauth0.verification), ids=lambda kind: kind.__name__)
def test_no_result_of_a_verification_shows_the_token_or_its_claims(kind: type[msgspec.Struct]) -> None:
    values: dict[str, Any] = dict.fromkeys(kind.__struct_fields__, "x")
    values |= {"raw": {"claim": canary()}, "claims": {"claim": canary()}, "subject": canary()}
    values |= {
        "headers": {"authorization": canary()},
        "url": f"https://t/?x={canary()}",
        "session_id": canary(),
    }
    value = kind(**{name: value for name, value in values.items() if name in kind.__struct_fields__})
    assert not leaks(f"{value!r} {value}")


SHOWN = [
    ({"user_id": "auth0|1", "email": "a@b.c"}, "{'user_id': 'auth0|1', 'email': 'a@b.c'}"),
    ({"client_secret": "x", "ok": [1, {"otp": "x"}]}, "{'client_secret': '***', 'ok': [1, {'otp': '***'}]}"),
    ({"token": True, "tokens": 5, "otp": None}, "{'token': True, 'tokens': 5, 'otp': None}"),
    ({"header": "X-Key", "value": "x"}, "{'header': 'X-Key', 'value': '***'}"),
    ({"value": "read:users", "description": "d"}, "{'value': 'read:users', 'description': 'd'}"),
    ({"token_type": "Bearer", "tokenEndpoint": "u"}, "{'token_type': 'Bearer', 'tokenEndpoint': 'u'}"),
    ({"secrets": [{"name": "a", "value": "x"}]}, "{'secrets': '***'}"),
    ({"picture": "https://h/p.png?sig=x"}, "{'picture': 'https://h/p.png?[redacted]'}"),
    ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", "'[redacted]'"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), SHOWN)
def test_what_is_no_secret_is_shown(value: Any, text: str) -> None:
    assert shown(value) == text
