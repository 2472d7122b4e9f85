"""The generator: what is committed is what it writes, and the overlay changes what it says and no more."""

import string
from difflib import ndiff
from importlib import import_module
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import facts, overlay
from codegen.generate import CATALOGUE, OVERLAY, PACKAGE, differences, generate, main
from codegen.models import Models
from codegen.naming import pascal, snake


@pytest.fixture(scope="module")
def catalogue() -> facts.Catalogue:
    return facts.read(CATALOGUE)


@pytest.fixture(scope="module")
def changes() -> overlay.Overlay:
    return overlay.read(OVERLAY)


@pytest.fixture(scope="module")
def modules(catalogue: facts.Catalogue, changes: overlay.Overlay) -> dict[str, str]:
    return generate(catalogue, changes)


@pytest.fixture(scope="module")
def everything(catalogue: facts.Catalogue, changes: overlay.Overlay) -> Models:
    return Models(overlay.apply(changes, catalogue), changes)


def more(text: str, into: Path) -> overlay.Overlay:
    """Return the overlay with more at its end, read from a file of its own."""
    path = into / "overlay.toml"
    path.write_text(f"{OVERLAY.read_text()}\n{text}\n")
    return overlay.read(path)


def test_what_is_committed_is_what_the_generator_writes(modules: dict[str, str]) -> None:
    assert differences(modules, PACKAGE) == []


def test_check_finds_a_file_that_was_changed_by_hand(
    modules: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What it writes is what takes time; the next tests have it from the command line itself.
    monkeypatch.setattr("codegen.generate.generate", lambda catalogue, changes: modules)
    assert main(["--into", str(tmp_path)]) == 0
    assert {file.name for file in tmp_path.iterdir()} == set(modules)
    assert main(["--into", str(tmp_path), "--check"]) == 0
    (tmp_path / "users.py").write_text(modules["users.py"].replace("Create a user.", "Make a user."))
    capsys.readouterr()
    assert main(["--into", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out == "differs: users.py\n"
    assert "Make a user." in (tmp_path / "users.py").read_text()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[operation."users.fly"]\nlifecycle = "EA"\nreason = "r"', "users.fly"),
        ('[operation."users.get"]\nlifecyle = "EA"\nreason = "r"', "lifecyle"),
        ('[operation."users.get"]\nlifecycle = "GA"\nreason = "r"', "lifecycle"),
        ('[operation."users.get"]\nlifecycle = "EA"', "reason"),
        ('[operation."users.get"]\npagination.offset.wall = 10\nreason = "r"', "users.get"),
        ('[schema.NoSuchSchema]\nopaque = true\nreason = "r"', "NoSuchSchema"),
        ('[schema.LogLocationInfo]\nrequired = ["planet"]\nreason = "r"', "planet"),
        ('[schema.CredentialId]\nrequired = ["id"]\nreason = "r"', "CredentialId"),
        ('[schema.LogLocationInfo]\nopaqe = true\nreason = "r"', "opaqe"),
        ("[schema.LogLocationInfo]\nopaque = true", "reason"),
        ('[schema.LogLocationInfo]\nmerge = ["LogDate"]\nreason = "r"', "LogDate"),
        ('[resource.planets]\nclass = "x:Y"\nreason = "r"', "planets"),
        ('[resource.clients]\nhome = ["LogDate"]\nreason = "r"', "LogDate"),
        ('[resource.clients]\nhome = ["OrganizationBranding"]\nreason = "r"', "OrganizationBranding"),
    ],
)
def test_an_entry_that_has_nothing_to_change_is_an_error(
    catalogue: facts.Catalogue, tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(overlay.OverlayError, match=named):
        generate(catalogue, more(text, tmp_path))


@pytest.mark.parametrize("table", ["name", "summary"])
def test_our_words_for_what_is_not_there_are_an_error(
    catalogue: facts.Catalogue, tmp_path: Path, table: str
) -> None:
    text = OVERLAY.read_text().replace(f"[{table}]\n", f'[{table}]\n"no.such" = "Thing"\n')
    (tmp_path / "overlay.toml").write_text(text)
    with pytest.raises(overlay.OverlayError, match=r"no\.such"):
        generate(catalogue, overlay.read(tmp_path / "overlay.toml"))


def test_an_entry_changes_one_fact_of_one_operation(catalogue: facts.Catalogue, tmp_path: Path) -> None:
    text = '[operation."users.get_permissions"]\npagination.offset.wall = 500\nreason = "A test."'
    before = overlay.apply(overlay.read(OVERLAY), catalogue)
    after = overlay.apply(more(text, tmp_path), catalogue)
    assert (after.schemas, after.same_shape) == (before.schemas, before.same_shape)
    changed = [(old, new) for old, new in zip(before.operations, after.operations, strict=True) if old != new]
    [(old, new)] = changed
    assert new.title == "users.get_permissions"
    assert new.pagination is not None
    assert new.pagination.offset is not None
    assert new.pagination.offset.wall == 500
    assert msgspec.structs.replace(new, pagination=old.pagination) == old


def test_an_entry_survives_the_next_generation(modules: dict[str, str], tmp_path: Path) -> None:
    text = '[operation."users.get_permissions"]\npagination.offset.wall = 500\nreason = "A test."'
    more(text, tmp_path)
    arguments = ["--overlay", str(tmp_path / "overlay.toml"), "--into", str(tmp_path)]
    assert main(arguments) == 0
    first = {name: (tmp_path / name).read_text() for name in modules}
    assert {name for name in modules if first[name] != modules[name]} == {"users.py"}
    lines = ndiff(modules["users.py"].splitlines(), first["users.py"].splitlines())
    added = [line for line in lines if line.startswith("+ ")]
    assert sum("Offset(wall=500)" in line for line in added) == 1
    assert sum("up to 500 items" in line for line in added) == 1
    assert main([*arguments, "--check"]) == 0


def test_each_resource_is_a_module_that_imports(catalogue: facts.Catalogue, modules: dict[str, str]) -> None:
    assert len(catalogue.resources) == 50
    assert set(modules) == {f"{name}.py" for name in (*catalogue.resources, "shared", "_tree")}
    for resource in catalogue.resources:
        import_module(f"anyauth0.management.{resource}")


def test_no_two_definitions_share_a_name(everything: Models, catalogue: facts.Catalogue) -> None:
    names = [*everything.names.values(), *{pascal(each.resource) for each in catalogue.operations}]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_no_two_fields_of_a_class_share_a_name(everything: Models) -> None:
    for key, definition in everything.definitions.items():
        names = [snake(field.wire) for field in definition.fields]
        assert len(names) == len(set(names)), key


def test_no_class_is_called_the_content_of_a_request_or_response(modules: dict[str, str]) -> None:
    text = "\n".join(modules.values())
    assert "ResponseContent" not in text
    assert "RequestContent" not in text


# What `from_regex` would make takes ten times as long.
letters = st.sampled_from(string.ascii_letters)
digits = string.ascii_letters + string.digits
words = st.tuples(st.sampled_from("_-"), st.text(digits, min_size=1)).map("".join)


@given(letters, st.text(digits), st.lists(words))
def test_any_name_of_the_api_becomes_an_identifier(first: str, rest: str, more: list[str]) -> None:
    name = "".join([first, rest, *more])
    identifier = snake(name)
    assert identifier.isidentifier()
    assert identifier == identifier.lower()
    assert identifier not in {"from", "class", "global", "list", "dict", "str"}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("isMobile", "is_mobile"),
        ("from", "from_"),
        ("list", "list_"),
        ("SAMLResponse", "saml_response"),
        ("sha256_cert", "sha256_cert"),
        ("user-agent", "user_agent"),
    ],
)
def test_names_are_as_a_person_would_write_them(name: str, ours: str) -> None:
    assert snake(name) == ours
