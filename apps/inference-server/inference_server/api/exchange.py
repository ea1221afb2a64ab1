"""What surrounds each request: its id, the observer, its line in the log, and the last resort."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from starlette.datastructures import Headers, MutableHeaders

from inference_server.api.api_error import (
    CLIENT_GONE,
    error_response,
    internal_error,
    stopping_error,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from inference_server.api.observed import RequestObserver

LOG = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")

#: Requests for images; all others are not counted, nor logged above `debug`.
COUNTED_PATHS = frozenset({"/v1/images/generations", "/v1/images/edits", "/invocations"})

_KEY = "inference_server.exchange"


@dataclass
class Exchange:
    """A request and its answer, as far as they have come."""

    request_id: str
    #: That were given.
    images: int = 0
    #: Of the log's line: tenant, shape, seconds; the prompt only where that is wanted.
    fields: dict[str, object] = field(default_factory=dict)


def exchange_of(request: Request) -> Exchange:
    return cast("Exchange", request.scope[_KEY])


def request_id_of(given: str | None) -> str:
    """The client's, if it is one that a header and a log can hold; else a new one."""
    return given if given and REQUEST_ID.match(given) else str(uuid.uuid4())


class Exchanges:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, observer: RequestObserver) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(request_id_of(Headers(scope=scope).get("x-request-id")))
        scope[_KEY] = exchange
        counted = scope["method"] == "POST" and scope["path"] in COUNTED_PATHS
        since = time.perf_counter()
        status = CLIENT_GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = exchange.request_id
            await send(message)

        if counted:
            self._observer.began()
        try:
            try:
                await self._app(scope, receive, send_with_id)
            except asyncio.CancelledError:
                # By the server, whose time to stop is over: a client that goes is told of by
                # `receive`, and cancels nothing but the work within.
                if status == CLIENT_GONE:
                    await error_response(stopping_error())(scope, receive, send_with_id)
                raise
            except Exception:
                LOG.exception("a request failed", extra={"request_id": exchange.request_id})
                if status != CLIENT_GONE:
                    # It has begun to be answered: the connection is cut.
                    raise
                await error_response(internal_error())(scope, receive, send_with_id)
        finally:
            latency_seconds = time.perf_counter() - since
            if counted:
                self._observer.ended(status, latency_seconds, exchange.images)
            LOG.log(
                logging.INFO if counted else logging.DEBUG,
                "answered",
                extra={
                    "request_id": exchange.request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "latency_seconds": round(latency_seconds, 6),
                    "images": exchange.images,
                    **exchange.fields,
                },
            )
