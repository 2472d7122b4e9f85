"""Write the Management API package from the catalogue and the overlay, or check that it is as written.

python core/codegen/generate.py            write
python core/codegen/generate.py --check    compare, and exit with 1 where a file differs
python core/codegen/generate.py --compare openapi.json    say what a newer OpenAPI document has changed
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from codegen import facts, overlay
from codegen.changes import compare
from codegen.definitions import SHARED
from codegen.models import Models
from codegen.modules import Scope, resource_module, shared_module, tree_module

CORE = Path(__file__).resolve().parents[1]
CATALOGUE = CORE / "catalog" / "management.json"
OVERLAY = CORE / "codegen" / "overlay.toml"
PACKAGE = CORE / "anyauth0" / "management"


def generate(catalogue: facts.Catalogue, changes: overlay.Overlay) -> dict[str, str]:
    """Return the text of each module by its file name.

    Raises `OverlayError` where catalogue and overlay do not go together.
    """
    catalogue = overlay.apply(changes, catalogue)
    models = Models(catalogue, changes)
    scope = Scope(models, changes, catalogue.operations)
    modules = {f"{resource}.py": resource_module(scope, resource) for resource in catalogue.resources}
    modules[f"{SHARED}.py"] = shared_module(scope)
    modules["_tree.py"] = tree_module(changes, catalogue.resources)
    return tidy(modules)


def tidy(modules: dict[str, str]) -> dict[str, str]:
    """Return the sources as `ruff` would have them."""
    settings = ["--quiet", "--config", str(CORE.parent / "pyproject.toml")]
    with TemporaryDirectory() as directory:
        for name, text in modules.items():
            (Path(directory) / name).write_text(text, encoding="utf-8")
        for command in (["check", "--fix", "--select", "I"], ["format"]):
            done = subprocess.run(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "ruff", *command, *settings, directory],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(f"ruff {command[0]}: {done.stderr or done.stdout}")
        return {name: (Path(directory) / name).read_text(encoding="utf-8") for name in modules}


def differences(modules: dict[str, str], package: Path) -> list[str]:
    """Return the names of the files that are not there, or not as they should be."""
    return [
        name
        for name, text in modules.items()
        if not (package / name).is_file() or (package / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 on a difference")
    parser.add_argument("--overlay", type=Path, default=OVERLAY, help="the overlay to use")
    parser.add_argument("--into", type=Path, default=PACKAGE, help="the directory to write to")
    parser.add_argument("--compare", type=Path, help="say what this OpenAPI document has changed")
    options = parser.parse_args(arguments)
    if options.compare:
        return compare(options.compare, CATALOGUE)
    catalogue, changes = facts.read(CATALOGUE), overlay.read(options.overlay)
    try:
        modules = generate(catalogue, changes)
    except overlay.OverlayError as error:
        raise SystemExit(f"{options.overlay.name}: {error}") from error
    changed = differences(modules, options.into)
    if not options.check:
        for name in changed:
            (options.into / name).write_text(modules[name], encoding="utf-8")
    for name in changed:
        sys.stdout.write(f"{'differs' if options.check else 'written'}: {name}\n")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
