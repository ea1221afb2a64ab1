"""Stands between a publisher and CloudWatch, reads along, and can be out of order."""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class CloudWatchProxy:
    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        #: How the next calls fail: "503", or "dropped" without an answer.
        self.faults: list[str] = []
        #: Clear: calls wait.
        self.answers = threading.Event()
        self.answers.set()
        #: Calls that wait or were passed on.
        self.asked = 0
        #: What CloudWatch took, a body for each call.
        self.taken: list[dict[str, Any]] = []
        self.endpoint = ""

    def data(self, metric: str) -> list[dict[str, Any]]:
        """Of each call that was taken, this metric's, in order."""
        with self._lock:
            return [
                datum
                for body in self.taken
                for datum in body["MetricData"]
                if datum["MetricName"] == metric
            ]

    def sum(self, metric: str) -> float:
        return sum(
            datum["Value"]
            if "Value" in datum
            else sum(value * n for value, n in zip(datum["Values"], datum["Counts"], strict=True))
            for datum in self.data(metric)
        )

    def is_asked_again(self, asked: int) -> bool:
        return self.asked > asked

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes] | None:
        """None: none is given."""
        with self._lock:
            self.asked += 1
            fault = self.faults.pop(0) if self.faults else None
        if fault == "dropped":
            return None
        if fault is not None:
            return int(fault), b'{"__type": "ServiceUnavailable"}'
        self.answers.wait()
        request = urllib.request.Request(self._upstream, body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: bytes = response.read()
            with self._lock:
                self.taken.append(json.loads(body))
            return response.status, answer


@contextmanager
def cloudwatch_proxy(upstream: str) -> Iterator[CloudWatchProxy]:
    proxy = CloudWatchProxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hop = {"host", "connection", "content-length", "accept-encoding"}
            headers = {k: v for k, v in self.headers.items() if k.lower() not in hop}
            answer = proxy.answer(headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.answers.set()
        server.shutdown()
        server.server_close()
