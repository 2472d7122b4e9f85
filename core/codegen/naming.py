"""Names as a person would write them: of classes, arguments and sentences."""

import keyword
import re

from codegen.facts import Operation

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[0-9]+")
_VERBS = {"Post": "Create", "Patch": "Update", "Put": "Set", "Replace": "Set"}
_READS = {
    "Get": "Full", "List": "Listed", "Create": "Created", "Post": "Created", "Update": "Updated",
    "Patch": "Updated", "Set": "New", "Put": "New", "Rotate": "Rotated", "Regenerate": "New",
    "Delete": "Deleted",
}  # fmt: skip
# A class body that has a field of this name could no longer say the type.
_TAKEN = frozenset({"bool", "dict", "field", "float", "int", "list", "object", "str"})


def snake(name: str) -> str:
    """Return `isMobile` as `is_mobile`, and what Python would not take with an underscore."""
    words = "_".join(_WORDS.findall(name)).lower()
    return f"{words}_" if keyword.iskeyword(words) or words in _TAKEN else words


def pascal(name: str) -> str:
    """Return `users_by_email` as `UsersByEmail`; what has capitals keeps them."""
    return "".join(word[0].upper() + word[1:] for word in re.split(r"[^0-9A-Za-z]+", name) if word)


def singular(words: str) -> str:
    """Return `identities` as `identity`."""
    if words.endswith("ies"):
        return f"{words[:-3]}y"
    if words.endswith(("sses", "xes", "ches")):
        return words[:-2]
    return words[:-1] if words.endswith("s") and not words.endswith(("ss", "us", "is")) else words


def read_names(schema: str) -> tuple[str, ...]:
    """Return the names for what is read, the best first; a dot leads to a part without a name of its own."""
    owner, _, part = schema.partition(".")
    plain = re.sub(r"((Request|Response)(Content|Schema|Payload|)|Schema)$", "", owner)
    names = [plain, owner, f"{plain}Answer"]
    for verb, done in _READS.items():
        if plain != owner and plain.startswith(verb) and plain[len(verb) : len(verb) + 1].isupper():
            bare = plain.removeprefix(verb)
            names = [bare, f"{done}{bare}", owner]
    return tuple(f"{name}{pascal(part)}" for name in names)


def body_names(schema: str, operation: str) -> tuple[str, ...]:
    """Return the names for what a call of `operation` sends as a whole, the best first."""
    plain = re.sub(r"Request(Content|Parameters|Body|Schema|)$", "", pascal(schema))
    called = method_name(operation)
    if plain.endswith("ResponseContent"):
        return called, f"{called}Body"
    for verb, ours in _VERBS.items():
        if plain.startswith(verb) and plain[len(verb) : len(verb) + 1].isupper():
            return ours + plain.removeprefix(verb), plain, called
    return plain, called, f"{plain}Body"


def shortened(name: str, module: str) -> str:
    """Return a long name without that of its resource."""
    short = re.sub(rf"^(Create|Update|Set|){pascal(singular(module))}(?=[A-Z])", r"\1", name)
    return short if len(name) > _LONG else name


_LONG = 34


def method_name(operation: str) -> str:
    """Return the name of what a method takes: `CreateModule` for `actions.create_module`."""
    resource, _, name = operation.partition(".")
    verb, _, rest = name.partition("_")
    return pascal(f"{verb}_{rest or singular(resource)}")


def part_names(schema: str) -> tuple[str, ...]:
    """Return the names for a part of what a call sends: a dict, where what is read has a class."""
    owner, _, part = schema.partition(".")
    plain = re.sub(r"(RequestContent|ResponseContent|RequestItem|Schema|Request|Input)$", "", owner)
    return f"{plain}{pascal(part)}Dict", f"{owner}{pascal(part)}Dict"


def enum_stem(schema: str) -> str:
    """Return what the enumerations of the same values are known by, whether or not they may be null."""
    plain = re.sub(r"(OrNullEnum|EnumWithNull|PatchEnum|OrNull|Enum)$", "", pascal(schema))
    return plain.replace("Nullable", "")


def enum_names(stem: str) -> tuple[str, ...]:
    """Return the names for an enumeration, the best first."""
    plain = re.sub(r"(Request|Response)(Content|Parameters|Schema|)(?=[A-Z]|$)|Schema$", "", stem)
    return plain, stem, f"{stem}Value"


def words(name: str) -> str:
    """Return `users_by_email` as words."""
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


_ACRONYMS = frozenset({"acl", "acls", "fcm", "id", "ip", "mfa", "scim", "sms", "sso", "uri", "url"})


def article(noun: str) -> str:
    """Return the noun with `a` or `an` before it."""
    vowel = noun[0] in "aeiou" and not noun.startswith(("user", "uni"))
    return f"{'an' if vowel else 'a'} {noun}"


def summary(operation: Operation, *, many: bool) -> str:
    """Return the first line of a docstring, from the names alone; `many` is whether a list is answered."""
    verb, _, rest = operation.name.partition("_")
    rest = rest.removeprefix("all_")
    one = article(singular(words(operation.resource)))
    if operation.name in ("get_all", "search"):
        return f"{'List' if verb == 'get' else 'Search'} the {words(operation.resource)}."
    if not rest:
        return f"{verb.capitalize()} {one}."
    if many and verb == "get":
        verb = "list"
    # One of many has an id in its path, or gets one.
    several = operation.path.endswith("}") or verb == "create"
    thing = words(rest)
    thing = article(thing) if several and not many else f"the {thing}"
    if not _PARENT.search(operation.path):
        return f"{verb.capitalize()} {thing}."
    linked = _LINKS.get(verb) if not operation.path.endswith("}") else None
    if linked is not None:
        verb, preposition = linked
        return f"{verb.capitalize()} {words(rest)} {preposition} {one}."
    return f"{verb.capitalize()} {thing} {'for' if verb == 'create' else 'of'} {one}."


_PARENT = re.compile(r"\}/[a-z]")
_LINKS = {"add": ("add", "to"), "assign": ("assign", "to"), "delete": ("remove", "from")}
