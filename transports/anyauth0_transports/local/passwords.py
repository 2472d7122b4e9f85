"""Passwords: the rules they must keep, and how they are kept."""

import hashlib
import hmac
import re
import secrets
from typing import Any

__all__ = ["check_password", "hash_password", "policy_text", "weakness"]

# Far too cheap for real users, and quick enough for tests with thousands of them.
_COST = 2**8

_CLASSES = (
    ("lower case letters (a-z)", "lowerCase", re.compile("[a-z]")),
    ("upper case letters (A-Z)", "upperCase", re.compile("[A-Z]")),
    ("numbers (i.e. 0-9)", "numbers", re.compile("[0-9]")),
    ("special characters (e.g. !@#$%^&*)", "specialCharacters", re.compile("[^a-zA-Z0-9]")),
)
_LENGTHS = {"none": 1, "low": 6, "fair": 8, "good": 8, "excellent": 10}


def hash_password(password: str) -> dict[str, str]:
    """Return what is kept of a password: salt and scrypt hash, in hexadecimal."""
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), "scrypt": _scrypt(password, salt).hex()}


def check_password(password: str, kept: dict[str, Any]) -> bool:
    """Return whether `password` is the one of which `kept` was kept."""
    expected = bytes.fromhex(kept["scrypt"])
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(kept["salt"])), expected)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=_COST, r=8, p=1, dklen=32)


def weakness(password: str, policy: str) -> dict[str, Any] | None:
    """Return which rules of a policy a password keeps and breaks, or `None` when it keeps them all.

    `policy` is `none`, `low`, `fair`, `good` or `excellent`. The shape is that of the `description` of a
    `PasswordStrengthError`.
    """
    least = _LENGTHS.get(policy, 8)
    rules: list[dict[str, Any]] = [
        _rule("At least %d characters in length", "lengthAtLeast", len(password) >= least, [least])
    ]
    classes = [_rule(words, code, bool(found.search(password))) for words, code, found in _CLASSES]
    if policy == "fair":
        verified = all(item["verified"] for item in classes[:3])
        rules.append({**_rule("Should contain:", "shouldContain", verified), "items": classes[:3]})
    elif policy in ("good", "excellent"):
        verified = sum(item["verified"] for item in classes) >= 3
        message = "Contain at least %d of the following %d types of characters:"
        rules.append({**_rule(message, "containsAtLeast", verified, [3, 4]), "items": classes})
    if policy == "excellent":
        message = 'No more than %d identical characters in a row (e.g., "%s" not allowed)'
        repeated = re.search(r"(.)\1\1", password, re.DOTALL) is not None
        rules.append(_rule(message, "identicalChars", not repeated, [2, "aaa"]))
    if all(rule["verified"] for rule in rules):
        return None
    return {"rules": rules, "verified": False}


def policy_text(description: dict[str, Any]) -> str:
    """Return the rules of a `weakness` as the indented list that the server sends along."""
    lines: list[str] = []
    for rule in description["rules"]:
        message: str = rule["message"]
        for value in rule.get("format", ()):
            message = re.sub("%[ds]", str(value), message, count=1)
        lines.append(f"* {message}")
        lines += [f" * {item['message']}" for item in rule.get("items", ())]
    return "\n".join(lines)


def _rule(message: str, code: str, verified: bool, values: list[Any] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"message": message, "code": code, "verified": verified}
    return rule if values is None else {**rule, "format": values}
