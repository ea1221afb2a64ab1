"""A hub on loopback: the part of Hugging Face's HTTP API that downloading a model asks for.

Source: huggingface_hub documentation, "Environment variables" (HF_ENDPOINT), and the Hub API's
endpoints `/api/models/…` and `/…/resolve/…` with their headers.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY = "somebody/tiny"
REVISION = "v1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_token"


class Hub:
    """Serves a folder as a model's repository."""

    def __init__(self, folder: Path, *, gated: bool = False) -> None:
        self.folder = folder
        self.gated = gated
        self.endpoint = ""
        #: Paths of the files that were asked for, in the repository.
        self.downloaded: set[str] = set()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.split("?")[0]
        if self.gated and handler.headers.get("authorization") != f"Bearer {TOKEN}":
            self._refuse(handler, 403, "GatedRepo")
        elif path.startswith("/api/models/"):
            self._describe(handler, path.removeprefix("/api/models/"))
        elif path.startswith(f"/{REPOSITORY}/resolve/{COMMIT}/"):
            self._give(handler, path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/"))
        else:
            self._refuse(handler, 404, "RepoNotFound")

    def _describe(self, handler: BaseHTTPRequestHandler, what: str) -> None:
        repository, _, revision = what.partition("/revision/")
        if repository != REPOSITORY:
            return self._refuse(handler, 404, "RepoNotFound")
        if revision not in {"", REVISION, COMMIT}:
            return self._refuse(handler, 404, "RevisionNotFound")
        files = sorted(file for file in self.folder.rglob("*") if file.is_file())
        names = [{"rfilename": file.relative_to(self.folder).as_posix()} for file in files]
        model = {"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": names}
        return self._send(handler, 200, json.dumps(model).encode(), {})

    def _give(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        file = self.folder / name
        if not file.is_file():
            return self._refuse(handler, 404, "EntryNotFound")
        self.downloaded.add(name)
        content = file.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self._send(handler, 200, content, {"ETag": etag})

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int, code: str) -> None:
        self._send(handler, status, b"{}", {"X-Error-Code": code})

    def _send(
        self, handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]
    ) -> None:
        handler.send_response(status)
        for name, value in {"X-Repo-Commit": COMMIT, **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
