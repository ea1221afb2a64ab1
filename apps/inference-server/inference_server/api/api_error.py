"""Errors as OpenAI's API has them, so that its clients raise what they raise there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from inference_server.access.admission import TooManyRequestsError, UnknownKeyError
from inference_server.api.unless_gone import ClientGoneError
from inference_server.errors import (
    JobRefusedError,
    NotReadyError,
    QueueFullError,
    WorkerFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import FastAPI, Request, Response

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"

#: nginx's word for a request whose client did not wait; nobody reads the answer.
CLIENT_GONE = 499

#: Another pod may have room at once.
STOPPING_RETRY_SECONDS = 1


@dataclass
class ApiError(Exception):
    """Is answered as it stands: no stack, no prompt in it."""

    status: int
    message: str
    #: The field that is wrong; the first, of several.
    param: str | None = None
    code: str | None = None
    type: str = INVALID_REQUEST
    headers: Mapping[str, str] = field(default_factory=dict)


def error_response(error: ApiError) -> Response:
    """`{error: {message, type, param, code}}`. Source: OpenAI API reference, "Errors"."""
    return JSONResponse(
        {
            "error": {
                "message": error.message,
                "type": error.type,
                "param": error.param,
                "code": error.code,
            }
        },
        error.status,
        dict(error.headers),
    )


def internal_error() -> ApiError:
    """Of a bug: the log has its stack."""
    return ApiError(500, "an error of the server's own", None, "internal_error", SERVER_ERROR)


def _of_http(error: HTTPException) -> ApiError:
    codes = {404: "not_found", 405: "method_not_allowed"}
    return ApiError(
        error.status_code,
        str(error.detail),
        code=codes.get(error.status_code),
        headers=error.headers or {},
    )


def _of_full_queue(error: QueueFullError) -> ApiError:
    code = "not_ready" if isinstance(error, NotReadyError) else "queue_full"
    headers = {"retry-after": str(error.retry_after_seconds)}
    return ApiError(503, str(error), None, code, SERVER_ERROR, headers)


def stopping_error() -> ApiError:
    """Of a request that the server has no time left for."""
    return _of_full_queue(NotReadyError("the server is stopping", STOPPING_RETRY_SECONDS))


def _of_refused_job(error: JobRefusedError) -> ApiError:
    return ApiError(400, f"the model cannot make this image: {error}", None, "job_refused")


def _of_failed_worker(_error: WorkerFailedError) -> ApiError:
    # Not what the driver said: that is for the log.
    message = "the accelerator has failed while it made this image; ask again"
    return ApiError(500, message, None, "accelerator_failed", SERVER_ERROR)


def _of_unknown_key(error: UnknownKeyError) -> ApiError:
    headers = {"www-authenticate": "Bearer"}
    return ApiError(401, str(error), None, "invalid_api_key", headers=headers)


def _of_too_many_requests(error: TooManyRequestsError) -> ApiError:
    headers = {"retry-after": str(error.retry_after_seconds)}
    return ApiError(429, str(error), None, "rate_limit_exceeded", "requests", headers)


def _of_gone_client(_error: ClientGoneError | ClientDisconnect) -> ApiError:
    return ApiError(CLIENT_GONE, "the client has gone", None, "client_gone")


#: What a client is told of each error that is not a bug; of its subclasses too.
ANSWERS: dict[type[Exception], Callable[..., ApiError]] = {
    ApiError: lambda error: error,
    HTTPException: _of_http,
    QueueFullError: _of_full_queue,
    JobRefusedError: _of_refused_job,
    WorkerFailedError: _of_failed_worker,
    UnknownKeyError: _of_unknown_key,
    TooManyRequestsError: _of_too_many_requests,
    ClientGoneError: _of_gone_client,
    ClientDisconnect: _of_gone_client,
}


def answer_errors(app: FastAPI) -> None:
    """Gives all of them OpenAI's form, 404 and 405 too."""
    for kind, api_error_of in ANSWERS.items():
        app.add_exception_handler(kind, _handler(api_error_of))


def _handler(
    api_error_of: Callable[..., ApiError],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        return error_response(api_error_of(error))

    return answer
