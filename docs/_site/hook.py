"""Adds to the site what no file of docs/ holds: a page for each resource, and those that links lead out to.

On the code host a page links to `../examples/quickstart.py`; on the site that is a page too, made here.
"""

import ast
import os
import posixpath
import re
from itertools import chain
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core" / "anyauth0"
SCRIPT = ROOT / "build" / "mermaid.min.js"
SOURCE = "source"
LISTED = {".html", ".json", ".py"}
GROUPS = ("authentication", "management")
ELSEWHERE = {"client", "logins", "polling"}
SHARED = {"models", "shared", "authorization"}

# In the navigation, whatever links to them.
PAGES = ("README.md", "SECURITY.md", "CHANGELOG.md", "examples")

_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=(?:#[^)\s]*)?\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the resources into the navigation."""
    reference = _section(config.nav or [], "Reference")
    for group in GROUPS:
        pages = [{path.stem: _reference(path)} for path in _modules(group)]
        _section(reference, group.capitalize()).extend(pages)
    return config


def _section(nav: list, title: str) -> list:
    return next(entry[title] for entry in nav if isinstance(entry, dict) and title in entry)


def _modules(group: str) -> list[Path]:
    """Return the modules of a group that have a page of their own, with what they share at the end."""
    found = (path for path in (CORE / group).glob("[!_]*.py") if path.stem not in ELSEWHERE)
    return sorted(found, key=lambda path: (path.stem in SHARED, path.stem))


def _reference(path: Path) -> str:
    return f"reference/{path.parent.name}/{path.stem}.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the script that draws the diagrams."""

    def add(uri: str, content: str | bytes) -> None:
        files.append(File.generated(config, uri, content=content))

    for path in chain.from_iterable(map(_modules, GROUPS)):
        add(_reference(path), _resource(path))
    add("mermaid.min.js", SCRIPT.read_bytes())
    add("_site.css", Path(__file__).with_name("site.css").read_bytes())
    texts = [(_place(file.src_uri), file.content_string) for file in files.documentation_pages()]
    waiting = [*PAGES, *chain.from_iterable(_outside(place, text) for place, text in texts)]
    known: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in known:
            known.add(path)
            text = _page_of(ROOT / path)
            add(_uri(path), text)
            waiting += _outside(f"{path}/" if (ROOT / path).is_dir() else path, text)
    return files


def _outside(place: str, text: str) -> list[str]:
    """Return the paths beside docs/ that a text links to."""
    paths = [_target(place, link) for link in _LINK.findall(text)]
    return [path for path in paths if path and not path.startswith("docs/") and (ROOT / path).exists()]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep on the site the links that lead out of docs/, and those of the pages from there."""
    here = _place(page.file.src_uri)

    def on_site(link: re.Match[str]) -> str:
        path = _target(here, link[0])
        uri = _uri(path) if path else ""
        if files.get_file_from_path(uri) is None:
            return link[0]
        return posixpath.relpath(uri, posixpath.dirname(page.file.src_uri))

    return _LINK.sub(on_site, markdown)


def _place(uri: str) -> str:
    """Return where in the repository the text of a page is."""
    if not uri.startswith(f"{SOURCE}/"):
        return f"docs/{uri}"
    place = uri.removeprefix(f"{SOURCE}/")
    if posixpath.basename(place) == "index.md":
        return posixpath.dirname(place) + "/"
    return place if (ROOT / place).is_file() else place.removesuffix(".md")


def _uri(path: str) -> str:
    """Return where on the site a file of the repository is."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"{SOURCE}/{path}/index.md"
    return f"{SOURCE}/{path}" if path.endswith(".md") else f"{SOURCE}/{path}.md"


def _target(place: str, link: str) -> str:
    """Return the path in the repository that a link from `place` leads to, or nothing where it leads out."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(place), link))
    return "" if path.startswith(("..", "/")) else path


def _page_of(path: Path) -> str:
    """Return the page of a file or directory of the repository."""
    if path.is_dir():
        inside = (each for each in sorted(path.iterdir()) if each.name[0] not in "._")
        shown = [each for each in inside if each.is_dir() or each.suffix in LISTED]
        rows = [f"- [{each.name}]({each.name}){_sentence(each)}" for each in shown]
        return "\n".join([f"# {path.name.capitalize()}", "", *rows, ""])
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {path.name}\n\n~~~~{path.suffix.removeprefix('.')}\n{text}~~~~\n"


def _sentence(path: Path) -> str:
    """Return what a module says of itself."""
    if path.suffix != ".py":
        return ""
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return f": {said.partition(os.linesep)[0]}"


def _resource(path: Path) -> str:
    """Return the page of a module: the methods of its resource first, then what they send and answer."""
    module = ".".join(path.relative_to(CORE.parent).with_suffix("").parts)
    resources: list[str] = []
    others: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            (resources if any(map(_is_resource, node.bases)) else others).append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not isinstance(node.value, ast.Constant):
            others += [name.id for name in ast.walk(node) if _is_public_name(name)]
    extras = (path.parent / "extras" / path.name).exists()
    # The client has the class that is written by hand, where there is one: the generated class and more.
    home = f"{module.removesuffix(path.stem)}extras.{path.stem}" if extras else module
    blocks = [f"::: {home}.{name}\n    options:\n      inherited_members: true" for name in resources]
    blocks += [f"::: {module}.{name}" for name in others]
    return "\n\n".join([f"# {path.stem}", *blocks]) + "\n"


def _is_public_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id[0] != "_"


def _is_resource(base: ast.expr) -> bool:
    return ast.unparse(base).startswith("Resource[")
