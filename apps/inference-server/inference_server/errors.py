"""What goes wrong in ways that somebody can act on. Anything else is a bug and keeps its stack."""

from __future__ import annotations


class UserError(Exception):
    """Settings, a model or an artefact are wrong: the message says what, where, what is allowed."""


class NotYetError(UserError):
    """Something that somebody else does is not done yet, as far as one can tell: try again."""


class JobRefusedError(Exception):
    """The model cannot make this image; another try would come to the same."""


class QueueFullError(Exception):
    """Others may have room now; this server may in `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotReadyError(QueueFullError):
    """The model is not loaded, or is loaded again after an error of the accelerator."""


class WorkerFailedError(Exception):
    """The accelerator or its process has failed while it made this image."""
