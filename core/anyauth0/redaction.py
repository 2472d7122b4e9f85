"""What of a value may be shown: names and ids, never what a name says is secret or what looks like it."""

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, cast

import msgspec

from ._json import as_object, read

__all__ = ["Model", "Secret", "is_secret", "redacted", "shown", "without"]

_MASK = "***"
_REDACTED = "[redacted]"

# The one list. The names are without underscores and in lower case, and each stands for all that end in it.
_ENDINGS = (
    "accesskey", "apikey", "assertion", "authorization", "authreqid", "authsession", "barcodeuri",
    "codeverifier", "configuration", "cookie", "cookies", "credentials", "decryptionkey", "devicecode",
    "invitation", "invitationurl", "location", "masterkey", "nonce", "oobcode", "otp", "passphrase", "passwd",
    "password", "privatekey", "pwd", "recoverycode", "recoverycodes", "requesturi", "secret", "secretkey",
    "secrets", "serverkey", "signedurl", "signingkey", "skey", "ticket", "ticketid", "ticketurl", "token",
    "tokens", "writekey",
)  # fmt: skip
_APART = r"[^a-z0-9]+"


def is_secret(name: str, beside: Container[object] = ()) -> bool:
    """Say whether a field of this name, in snake or camel case, holds a secret where it holds a text.

    `beside` has the names of all fields of its object.
    """
    # A header and a setting are pairs; which of them is secret nobody knows.
    pair = name == "value" and ("key" in beside or "header" in beside)
    return pair or re.sub(_APART, "", name.lower()).endswith(_ENDINGS)


class Secret(str):
    """A text whose `repr` says nothing, for whatever shows what is held. It is sent as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _MASK

    def __getitem__(self, key: Any) -> "Secret":
        # Whoever cuts a long text before showing it shows the same.
        return Secret(super().__getitem__(key))


# Texts, which `re` compiles when first used: that takes long, and is for errors.
_QUOTED = (
    # Tokens, private keys, and what URLs have before their host and in their query, whatever they are called.
    r"eyJ[\w-]+(?:\.[\w-]*)*",
    r"(?<![\w.])v1\.[\w-]{16,}",
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    r"//[^\s/?#\"'<>]+(?=@)",
    r"(?<=[?#])[^\s?#\"'<>]*=[^\s\"'<>]*",
)
_NAMED = (
    # A header, without the parameters of a challenge. How the Management API quotes what it refuses.
    r"(?P<name>\b(?:Bearer|Basic|DPoP))(?P<between> +)"
    r"(?P<value>(?=(?:[^\W\d_]|[.~-])*[\d+/_])[\w.~+/-]++(?!=+[\"'\w])=*+)",
    r"(?P<value>(?<=: )[^']{1,200})(?P<between>' on property )(?P<name>[\w.-]+)",
    # A form or JSON that somebody quotes, JSON within JSON too.
    r"(?<![\w-])(?P<name>[\w-]{1,64})(?P<between>=)(?P<value>[^\s\"'&,;\\]+)",
    r'(?s)(?<![\w-])(?P<name>[\w-]{1,64})(?P<between>["\']\s*:\s*")(?P<value>(?:[^"\\]|\\.)+)',
    r"(?s)(?<![\w-])(?P<name>[\w-]{1,64})(?P<between>[\"']\s*:\s*')(?P<value>(?:[^'\\]|\\.)+)",
    r'(?<![\w-])(?P<name>[\w-]{1,64})(?P<between>\\["\']\s*:\s*\\["\'])(?P<value>[^"\'\\]+)',
)
_SCHEMES = frozenset({"Bearer", "Basic", "DPoP"})

# Base64 has slashes too, so only the path of a URL is looked at part by part. After "|" is the id of a user.
_RUNS = r"(?P<path>(?:://|(?<![\w+/=-])/(?=[a-z._-]+/))[^\s\"'<>]*)|(?<![A-Za-z0-9_+/|-])[A-Za-z0-9_+/-]{24,}={0,2}"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_HEX = r"[0-9a-f-]{24,39}"
_TURNS = r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])"


def redacted(text: str, opaque: int = 48) -> str:
    """Take out what looks like a secret: servers quote what they refuse.

    `opaque` is the length from which random letters and digits do; ids and thumbprints are below 48.
    """
    for pattern in _QUOTED:
        text = re.sub(pattern, _REDACTED, text)
    for pattern in _NAMED:
        text = re.sub(pattern, _without_value, text)

    def masked(run: str) -> str:
        return _REDACTED if _is_random(run, opaque) else run

    def replaced(found: re.Match[str]) -> str:
        return "/".join(map(masked, found[0].split("/"))) if found["path"] else masked(found[0])

    return re.sub(_RUNS, replaced, text)


def _is_random(run: str, least: int) -> bool:
    rest = re.sub(_UUID, "", run)
    # Words turn from one kind of character into another now and then, and into digits hardly ever. A hash of
    # 32 digits is the id of a trace or of a picture.
    return (
        len(rest) >= least
        and any(map(str.isdigit, rest))
        and len(re.findall(_TURNS, rest)) * 5 >= len(rest)
        and not re.fullmatch(_HEX, rest)
    )


def without(text: str, sent: bytes) -> str:
    """Take out the values that were sent, as a form or as JSON, under names that say they are secret."""
    for value in _secrets(sent):
        text = text.replace(value, _REDACTED)
    return text


def _secrets(sent: bytes) -> Iterator[str]:
    try:
        fields = as_object(read(sent))
    except ValueError:
        from urllib.parse import parse_qsl

        form = sent.decode("utf-8", "replace").split("&", 1000)[:1000]
        fields = dict(parse_qsl("&".join(form)))
    for name, value in fields.items():
        # Shorter ones are a part of many a word.
        if isinstance(value, str) and len(value) > 3 and is_secret(name):
            yield value


def _without_value(found: re.Match[str]) -> str:
    if found["name"] not in _SCHEMES and not is_secret(found["name"]):
        return found[0]
    start, end = found.start("value") - found.start(), found.end("value") - found.start()
    return f"{found[0][:start]}{_REDACTED}{found[0][end:]}"


def shown(value: object) -> str:
    """Return what `repr` does, without secrets in dicts, lists and texts."""
    if isinstance(value, str):
        return repr(redacted(value))
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, object]", value)
        pairs = [f"{key!r}: {_field(str(key), each, fields)}" for key, each in fields.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, cast('list[object]', value)))}]"
    return repr(value)


def _field(name: str, value: object, beside: Container[object]) -> str:
    """Return what may be shown of the value of a field: a model knows its own secrets, a flag is none."""
    return shown(value) if _is_open(value) or not is_secret(name, beside) else repr(_MASK)


def _is_open(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_open, cast("list[object]", value)))
    return value is None or isinstance(value, bool | int | float | Model)


class Model(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of values that may hold a secret: the `repr` shows all fields that are set but those.

    The garbage collector does not look at them: plain data has no cycles, and a page of it would cost a third
    more. What holds functions or errors says `gc=True`.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={text}' for name, text in self._shown())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # `rich` and its tracebacks ask for this first, and that of a struct shows everything. A model with a
        # `repr` of its own says there what may be shown.
        own = type(self).__repr__ is not Model.__repr__
        return [] if own else [(name, _Text(text)) for name, text in self._shown()]

    def _shown(self) -> Iterator[tuple[str, str]]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                yield name, _field(name, value, self.__struct_fields__)


class _Text:
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
