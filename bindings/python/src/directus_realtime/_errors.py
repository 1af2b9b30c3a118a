"""The exceptions of this package."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import enum
import json
import re
from typing import Any

from . import _abi
from ._abi import lib


class Status(enum.IntEnum):
    """The library's result codes (`drt_status`)."""

    OK = 0
    DUPLICATE = 1
    INVALID_ARGUMENT = -1
    INVALID_HANDLE = -2
    INVALID_UTF8 = -3
    INVALID_JSON = -4
    NOT_FOUND = -5
    NOT_CONNECTED = -6
    CLOSED = -7
    TIMEOUT = -8
    AUTH = -9
    SERVER = -10
    IO = -11
    TLS = -12
    QUEUE_FULL = -13
    WOULD_DEADLOCK = -14
    FORKED = -15
    INTERNAL = -127


class DirectusRealtimeError(Exception):
    """The base class of all errors of this package.

    Attributes:
        status: The library's result code.
    """

    status: Status = Status.INTERNAL

    def __init__(self, message: str, status: Status | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status


class InvalidArgumentError(DirectusRealtimeError, ValueError):
    """An argument is wrong; the message names it."""

    status = Status.INVALID_ARGUMENT


class ClosedError(DirectusRealtimeError):
    """The client, scope or subscription has ended."""

    status = Status.CLOSED


class NotFoundError(DirectusRealtimeError, LookupError):
    """There is no such subscription."""

    status = Status.NOT_FOUND


class NotConnectedError(DirectusRealtimeError, ConnectionError):
    """There is no link to the server, and this needs one."""

    status = Status.NOT_CONNECTED


class TimeoutError(DirectusRealtimeError, builtins.TimeoutError):
    """Something has not happened in time."""

    status = Status.TIMEOUT


class ConnectTimeoutError(NotConnectedError, TimeoutError):
    """The client was not connected in time; the message says why.

    Nothing was sent, so the call can be repeated.
    """

    status = Status.TIMEOUT


class AuthenticationError(DirectusRealtimeError):
    """Credentials are missing or were refused."""

    status = Status.AUTH


class ServerError(DirectusRealtimeError):
    """The server refused something.

    Attributes:
        error: The server's own error object, with `code` and `message`.
    """

    status = Status.SERVER

    def __init__(self, message: str, error: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = error or {}

    @property
    def code(self) -> str:
        """The server's code, such as `FORBIDDEN`."""
        return str(self.error.get("code", ""))


class TransportError(DirectusRealtimeError, ConnectionError):
    """The connection failed: the network, the host, or the lookup of its name."""

    status = Status.IO


class TlsError(TransportError):
    """The server's certificate is not trusted, or TLS failed otherwise."""

    status = Status.TLS


class QueueFullError(DirectusRealtimeError):
    """More messages wait to be sent than `send_queue_bytes` allows."""

    status = Status.QUEUE_FULL


class WouldDeadlockError(DirectusRealtimeError, RuntimeError):
    """The call would wait for the callback that it was made in."""

    status = Status.WOULD_DEADLOCK


class ForkedError(DirectusRealtimeError, RuntimeError):
    """The object belongs to the process that this one was forked from."""

    status = Status.FORKED


class InternalError(DirectusRealtimeError):
    """A bug in directus-realtime: please report it."""


_CLASSES: dict[int, type[DirectusRealtimeError]] = {
    Status.INVALID_ARGUMENT: InvalidArgumentError,
    Status.INVALID_HANDLE: ClosedError,
    Status.INVALID_UTF8: InvalidArgumentError,
    Status.INVALID_JSON: InvalidArgumentError,
    Status.NOT_FOUND: NotFoundError,
    Status.NOT_CONNECTED: NotConnectedError,
    Status.CLOSED: ClosedError,
    Status.TIMEOUT: TimeoutError,
    Status.AUTH: AuthenticationError,
    Status.SERVER: ServerError,
    Status.IO: TransportError,
    Status.TLS: TlsError,
    Status.QUEUE_FULL: QueueFullError,
    Status.WOULD_DEADLOCK: WouldDeadlockError,
    Status.FORKED: ForkedError,
}


def status_of(number: int) -> Status:
    """The status for a number, which a later version of the library may have added."""
    try:
        return Status(number)
    except ValueError:
        return Status.OK if number > 0 else Status.INTERNAL


_MILLISECONDS = re.compile(r"`(\w+)_ms`")


def in_python(sentence: str) -> str:
    """A sentence of the library: where its options are milliseconds, Python's are seconds."""
    return _MILLISECONDS.sub(r"`\1`", sentence)


def error_for(number: int, message: str) -> DirectusRealtimeError:
    """The exception for a result code."""
    status = status_of(number)
    error = _CLASSES.get(status, InternalError)(message)
    error.status = status
    return error


def check(number: int) -> int:
    """Raises the error of this thread's last call to the library, if it failed."""
    if number >= 0:
        return number
    info = _abi.ErrorInfo(struct_size=ctypes.sizeof(_abi.ErrorInfo))
    lib.drt_last_error_info(ctypes.byref(info))
    message = in_python((info.message or b"").decode("utf-8", "replace"))
    if info.server_error is None:
        raise error_for(number, message)
    error = None
    with contextlib.suppress(ValueError, RecursionError):
        error = json.loads(ctypes.string_at(info.server_error, info.server_error_len))
    raise ServerError(message, error if isinstance(error, dict) else None)
