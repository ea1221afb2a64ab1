"""What a worker of TorchServe is asked for, as AWS's inference toolkit has it.

Source: aws/sagemaker-pytorch-inference-toolkit 2.0.25, sagemaker_inference/transformer.py:
`model_fn(model_dir)` once, then `transform_fn(model, data, content_type, accept, context)` for each
request, one at a time.
"""

from __future__ import annotations

import http.client
import logging
import os
import threading
from pathlib import Path
from typing import Protocol

from inference_server.torchserve.shared_server import (
    begin,
    note_torchserve,
    run_folder,
    until_ended,
    until_ready,
)

logger = logging.getLogger(__name__)

#: Of the server's answer, beside its content type.
HEADERS = ("retry-after", "server-timing", "x-request-id")


class Context(Protocol):
    """Of TorchServe's `ts.context.Context`, what is used here."""

    def set_response_status(self, code: int, phrase: str, idx: int) -> None: ...

    def set_response_header(self, idx: int, key: str, value: str) -> None: ...


def model_fn(model_dir: str) -> int:
    """Port of the server, when it is ready. Starts it if it has died.

    Raises RuntimeError when it ends before it is ready.
    """
    run = run_folder()
    note_torchserve(run)
    begin(Path(model_dir).resolve(), run)
    port = until_ready(run)
    threading.Thread(target=_end_with_server, args=(run,), daemon=True).start()
    return port


def _end_with_server(run: Path) -> None:
    """TorchServe starts a worker again that has ended, and says so by /ping."""
    until_ended(run)
    logger.error("the server has ended, and this worker ends with it")
    os._exit(1)


def transform_fn(
    port: int, data: bytes | str, content_type: str | None, accept: str, context: Context
) -> tuple[bytes, str]:
    """The answer's body and content type; its status as it is, errors too."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        headers = {"accept": accept, "content-type": content_type or "application/json"}
        body = data.encode() if isinstance(data, str) else bytes(data)
        connection.request("POST", "/invocations", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    context.set_response_status(answer.status, answer.reason, 0)
    for name in HEADERS:
        if (value := answer.getheader(name)) is not None:
            context.set_response_header(0, name, value)
    return content, answer.getheader("content-type", "application/json")
