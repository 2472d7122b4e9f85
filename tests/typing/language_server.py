"""Pyright's language server as an editor speaks to it: what it tells at a place of a user's program."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

PYRIGHT = Path(sys.executable).with_name("pyright-langserver")
ERROR = 1
# What an editor says that it can show.
CAPABILITIES = {
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown"],
                "parameterInformation": {"labelOffsetSupport": True},
                "activeParameterSupport": True,
            }
        },
        "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
        "diagnostic": {"dynamicRegistration": True},
    },
    "workspace": {"configuration": True},
}


class LanguageServer:
    """A server of its own for the documents of one folder, with the settings of its `pyrightconfig.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ids = 0
        self._versions: dict[str, int] = {}
        self._process = subprocess.Popen(
            [PYRIGHT, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        root = {"uri": folder.as_uri(), "name": folder.name}
        self.request("initialize", processId=None, workspaceFolders=[root], capabilities=CAPABILITIES)
        self._send(method="initialized", params={})

    def __enter__(self) -> "LanguageServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            if kind is None:
                self.request("shutdown")
                self._send(method="exit")
            else:
                self._process.terminate()

    def open(self, name: str, text: str) -> str:
        """Show a document, or what it has become; return its address."""
        uri, version = (self.folder / name).as_uri(), self._versions.get(name, 0)
        self._versions[name] = version + 1
        document: dict[str, object] = {"uri": uri, "version": version}
        params: dict[str, object] = {"textDocument": document}
        if version:
            params["contentChanges"] = [{"text": text}]
        else:
            document |= {"languageId": "python", "text": text}
        self._send(method=f"textDocument/did{'Change' if version else 'Open'}", params=params)
        return uri

    def ask(self, question: str, uri: str, line: int, character: int) -> Any:
        """Ask about a place: `hover`, `signatureHelp` or `completion`."""
        place = {"line": line, "character": character}
        return self.request(f"textDocument/{question}", textDocument={"uri": uri}, position=place)

    def errors(self, uri: str) -> set[int]:
        """Return the lines, from 1 on, where the type checker finds an error."""
        found = self.request("textDocument/diagnostic", textDocument={"uri": uri})["items"]
        return {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == ERROR}

    def request(self, method: str, **params: object) -> Any:
        """Ask, and return the answer."""
        self._ids += 1
        self._send(id=self._ids, method=method, params=params)
        while (answer := self._receive()).get("id") != self._ids or "method" in answer:
            pass
        return answer["result"]

    def _send(self, **message: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """Return the next message; what the server asks of an editor is answered on the way."""
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            python = {"pythonPath": sys.executable}
            items = message["params"]["items"]
            result = [python if item.get("section") == "python" else {} for item in items]
            self._send(id=message["id"], result=result)
        elif "id" in message and "method" in message:
            self._send(id=message["id"], result=None)
        return message
