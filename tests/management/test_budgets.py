"""What the Management API costs before it does anything: modules and memory, in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = """
from anyauth0 import ManagementClient
management = ManagementClient(domain="tenant.eu.auth0.com", token="token", transport=lambda request: None)
"""
MEMORY = f"""
import gc, os, typing
import msgspec

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

before = resident()
{CLIENT}
from anyauth0.decoding import Shape, decode
from anyauth0.endpoint import EndpointFacts
from anyauth0.management._tree import Tree
from anyauth0.messages import Response

touched = decoded = 0
empty = Response(status=200, headers={{"content-type": "application/json"}}, body=b"{{}}")
for name, each in vars(Tree).items():
    if isinstance(each, property):
        touched += 1
        for owner in type(getattr(management, name)).__mro__:
            for endpoint in vars(owner).values():
                if isinstance(endpoint, EndpointFacts):
                    call = typing.get_type_hints(endpoint.function)["return"]
                    shape = Shape(endpoint="", items=getattr(endpoint, "items", None))
                    decode(typing.get_args(call)[0], empty, shape)
                    decoded += 1
print(touched, decoded, resident() - before)
"""
OURS = """
import sys
print(*(name for name in sys.modules if name.startswith("anyauth0.")))
"""


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def management_modules(names: list[str]) -> set[str]:
    inner = {name.removeprefix("anyauth0.management.") for name in names if ".management." in name}
    return inner - {"client", "_tree"}


def test_a_client_that_was_just_made_has_loaded_no_resource() -> None:
    assert management_modules(run(CLIENT + OURS)) == set()


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("sessions", {"sessions", "shared"}),
        ("stats", {"stats"}),
        ("jobs", {"jobs", "shared", "extras", "extras.jobs"}),
        ("users", {"users", "connections", "shared", "logs", "clients"}),
    ],
)
def test_a_resource_loads_itself_and_what_its_models_need(resource: str, expected: set[str]) -> None:
    loaded = management_modules(run(f"{CLIENT}management.{resource}\n{OURS}"))
    assert resource in loaded
    extras = {name for name in loaded if name.startswith("extras")}
    assert loaded - extras <= expected


def test_the_whole_client_loads_few_modules() -> None:
    before = set(run("import msgspec, pluggy, sys; print(*sys.modules)"))
    after = set(run(f"import sys\n{CLIENT}management.users\nprint(*sys.modules)"))
    assert len(after - before) <= 75, sorted(after - before)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads what Linux says of its memory")
def test_all_models_of_all_resources_stay_under_25_mib() -> None:
    touched, decoded, size = map(int, run(MEMORY))
    assert (touched, decoded) == (50, 496)
    assert size < 25 * 2**20, f"{size / 2**20:.1f} MiB"
