"""Promise 20: it runs in odd places: each program makes a management call and a token call."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from ..processes.scripts import Tenant
from ..transports.certificates import Certificates
from ..transports.servers import serve
from .odd_places import (
    CALLS,
    CAPPED,
    FORBIDDING_FILES,
    FORBIDDING_THREADS,
    MEBIBYTES,
    PLACES,
    SILENT,
    WAYS,
    Base,
    without,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an empty environment is no place there")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    with serve(Tenant(), certificates.server) as server:
        yield Base(tmp_path_factory.mktemp("base"), server, certificates.ca_file)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_both_calls_work_in_each_place_over_each_transport(base: Base, place: str, way: str) -> None:
    assert base.run(PLACES[place], WAYS[way] + CALLS) == "done"


@pytest.mark.parametrize("way", ["function", "urllib3"])
def test_both_calls_work_out_of_a_zip(base: Base, way: str, tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, package in base.packages.items():
            for file in package.rglob("*.py") if name != "msgspec" else ():
                opened.write(file, Path(name) / file.relative_to(package))
    # It is a C extension, which no interpreter loads out of a zip.
    copytree(base.folder / "msgspec", tmp_path / "beside" / "msgspec", ignore=ignore_patterns("*.pyi"))
    where = "\nassert 'app.zip' in sys.modules['anyauth0'].__file__\n"
    assert base.run("", WAYS[way] + CALLS + where, path=[str(archive), str(tmp_path / "beside")]) == "done"


@pytest.mark.parametrize("switch", ["-O", "-OO"])
def test_nothing_rests_on_asserts_or_docstrings(base: Base, switch: str) -> None:
    # With asserts gone, the program must tell by itself what it got.
    code = WAYS["http_client"] + CALLS + "os.write(1, user.user_id.encode())"
    assert base.run("", code, switch) == "doneada"


@pytest.mark.parametrize("way", ["function", "http_client"])
def test_both_calls_work_without_urllib3(base: Base, way: str) -> None:
    assert base.run(without("urllib3"), WAYS[way] + CALLS) == "done"


def test_without_urllib3_the_default_transport_says_what_to_give(base: Base) -> None:
    said = base.run(without("urllib3"), "os.write(1, message(ManagementClient, **who).encode())")
    assert "pip install urllib3" in said
    assert 'transport="http_client"' in said


def test_a_function_needs_no_module_of_the_network(base: Base) -> None:
    names = (
        "email", "http", "http.client", "ssl", "_ssl", "asyncio", "urllib3", "cryptography", "socket",
        "_socket", "select", "selectors", "subprocess", "multiprocessing", "tempfile", "sqlite3", "ctypes",
        "concurrent",
    )  # fmt: skip
    assert base.run(without(*names), WAYS["function"] + CALLS) == "done"


def test_without_email_a_date_of_retry_after_is_no_error_of_its_own(base: Base) -> None:
    code = """
    def limited(request):
        when = "Tue, 24 Nov 2026 10:00:00 GMT"
        return Response(status=429, headers={"retry-after": when, "date": when})
    who["retry"] = RetryPolicy(retries=1, first_delay=0)
    client = AuthenticationClient(**who, transport=limited)
    try:
        client.oauth.client_credentials_grant(audience="api")
    except RateLimited as error:
        os.write(1, f"{error.status} {error.retry_after}".encode())
    """
    assert base.run("", code) == "429 0.0"
    assert base.run(without("email"), code) == "429 None"


def test_without_cryptography_what_needs_it_says_which_extra_to_install(base: Base) -> None:
    code = """
    from anyauth0_plugins.file_store import FileTokenStore
    key = dict(client_assertion_signing_key="-----BEGIN PRIVATE KEY-----", transport=fetch)
    for refused in (
        message(DPoPKey.generate),
        message(lambda: AuthenticationClient(domain="a.example", client_id="app", **key)),
        message(FileTokenStore, "/tokens", key=b"k" * 32),
    ):
        os.write(1, refused.encode() + b"\\n")
    """
    said = base.run("", code).splitlines()
    assert len(said) == 3
    for refused in said:
        assert '"cryptography"' in refused
        assert "pip install 'anyauth0[crypto]'" in refused


def test_without_threads_many_calls_go_one_after_another(base: Base) -> None:
    code = """
    with ManagementClient(**who, transport=fetch) as management:
        outcomes = list(management.map(management.users.get, ["ada", "eve"], concurrency=1))
        os.write(1, ",".join(each.result().data.user_id for each in outcomes).encode())
    """
    assert base.run(FORBIDDING_THREADS, code) == "ada,eve"


def test_where_no_file_can_be_written_what_needs_one_says_so(base: Base) -> None:
    code = """
    from anyauth0_plugins.file_store import FileTokenStore
    given = dict(who, transport="http_client", tls=TLS(cert=b"c", key=b"k"))
    os.write(1, message(ManagementClient, **given).encode() + b"\\n")
    os.write(1, message(FileTokenStore, "/tokens").encode() + b"\\n")
    """
    certificate, store = base.run(FORBIDDING_FILES, code).splitlines()
    assert certificate.startswith('option "tls": "cert" and "key" as bytes'), certificate
    assert "give paths" in certificate
    assert '"path" cannot be the directory of a store (Read-only file system)' in store


def test_a_directory_of_tokens_that_has_become_read_only_stops_no_call(base: Base, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    code = f"""
    import logging
    from anyauth0_plugins.file_store import FileTokenStore
    logging.getLogger("anyauth0").addHandler(logging.NullHandler())
    given = dict(who, transport=fetch, token_store=FileTokenStore({str(tmp_path)!r}))
    with ManagementClient(**given) as management:
        os.write(1, management.users.get("ada").data.user_id.encode())
    """
    assert base.run(FORBIDDING_FILES, code) == "ada"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "code", "error"),
    [
        ("", "os.environ['HOME']", "KeyError"),
        ("", "import cryptography", "ModuleNotFoundError"),
        (without("email"), "import email", "ModuleNotFoundError"),
        (FORBIDDING_FILES, "open('/dev/null', 'w')", "OSError"),
        (FORBIDDING_FILES, "os.mkdir('/nowhere/at/all')", "OSError"),
        (FORBIDDING_THREADS, "import threading; threading.Thread(target=print).start()", "RuntimeError"),
        (SILENT, "sys.stdout.write('')", "AttributeError"),
        *([(CAPPED, f"bytearray({MEBIBYTES} << 20)", "MemoryError")] if sys.platform == "linux" else []),
    ],
)
def test_the_places_are_what_they_are_called(base: Base, place: str, code: str, error: str) -> None:
    tried = f"try:\n    {code}\nexcept Exception as error:\n    os.write(1, type(error).__name__.encode())"
    assert base.start(f"{place}\nimport os, sys\n{tried}") == error
