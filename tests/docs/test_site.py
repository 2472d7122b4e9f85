"""The site of the documentation: no page and no module is left out. That it builds is `make docs`."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAVIGATION = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
LISTED = re.findall(r"^ *- (?:[^\n:]+: )?([\w/.-]+\.md)$", NAVIGATION, re.MULTILINE)

# Modules whose page docs/_site/hook.py makes, and those behind one object that is shown.
MADE = re.compile(
    r"anyauth0\.(authentication|management)\.(?!client$|logins$|polling$|extras$)\w+"
    r"|anyauth0\.management\.extras\.(connections|jobs)"
)
BEHIND = ("anyauth0_transports.local.", "anyauth0_plugins.cli.")


def public_modules() -> set[str]:
    """Return the names of the modules of the three packages that anybody may import."""
    found = set()
    for tree in ("core", "transports", "plugins"):
        for path in (ROOT / tree).glob("anyauth0*/**/*.py"):
            parts = path.relative_to(ROOT / tree).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            if not any(part.startswith("_") for part in name.split(".")):
                found.add(name)
    return found


def shown_modules() -> set[str]:
    """Return what the pages of the reference show, the packages around it included."""
    shown = set()
    for page in (DOCS / "reference").rglob("*.md"):
        for name in re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            parts = name.split(".")
            shown |= {".".join(parts[: count + 1]) for count in range(len(parts))}
    return shown


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert "flows/device.md" in pages
    assert sorted(LISTED) == sorted(set(LISTED))
    assert pages - set(LISTED) == set()


def test_every_page_of_the_navigation_exists() -> None:
    elsewhere = [each.removeprefix("source/") for each in LISTED if each.startswith("source/")]
    assert "SECURITY.md" in elsewhere
    assert [each for each in elsewhere if not (ROOT / each.removesuffix("/index.md")).exists()] == []
    assert [each for each in LISTED if not each.startswith("source/") and not (DOCS / each).exists()] == []


def test_every_public_module_is_in_the_reference() -> None:
    left = {name for name in public_modules() - shown_modules() if not name.startswith(BEHIND)}
    assert {"anyauth0.errors", "anyauth0_plugins.retries"} <= public_modules()
    assert {name for name in left if not MADE.fullmatch(name)} == set()
