"""The C ABI as ctypes sees it: `include/directus_realtime.h`, line by line."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)

from ._library import load

LOG_FN = CFUNCTYPE(None, c_int32, c_char_p, c_char_p, c_void_p)


class ErrorInfo(Structure):
    """`drt_error_info`"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("status", c_int32),
        ("argument", c_char_p),
        ("message", c_char_p),
        ("server_code", c_char_p),
        # It is not NUL-terminated: it comes as an address and a length.
        ("server_error", c_void_p),
        ("server_error_len", c_size_t),
    ]


class ClientOptions(Structure):
    """`drt_client_options`"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("url", c_char_p),
        ("auth_mode", c_int32),
        ("access_token", c_char_p),
        ("email", c_char_p),
        ("password", c_char_p),
        ("refresh_token", c_char_p),
        ("delivery", c_int32),
        ("connect_timeout_ms", c_uint32),
        ("ack_timeout_ms", c_uint32),
        ("heartbeat_ms", c_uint32),
        ("reconnect_min_ms", c_uint32),
        ("reconnect_max_ms", c_uint32),
        ("reconnect_attempts", c_uint32),
        ("queue_bytes", c_uint64),
        ("ca_file", c_char_p),
        ("proxy", c_char_p),
        ("client_cert_file", c_char_p),
        ("client_key_file", c_char_p),
        ("headers", c_char_p),
        ("user_agent", c_char_p),
        ("max_message_bytes", c_uint64),
        ("send_queue_bytes", c_uint64),
    ]


class SubscriptionOptions(Structure):
    """`drt_subscription_options`"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("collection", c_char_p),
        ("query", c_char_p),
        ("uid", c_char_p),
        ("persistent", c_bool),
        ("events", c_uint32),
        ("item", c_char_p),
        ("primary_key", c_char_p),
        ("granularity", c_int32),
        ("snapshot", c_int32),
        ("settle_ms", c_uint32),
    ]


class LiveOptions(Structure):
    """`drt_live_options`"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("collection", c_char_p),
        ("query", c_char_p),
        ("uid", c_char_p),
        ("persistent", c_bool),
        ("primary_key", c_char_p),
        ("depends_on", c_char_p),
        ("verify_ms", c_uint32),
    ]


class Stats(Structure):
    """`drt_stats`"""

    _fields_ = [("struct_size", c_size_t)] + [
        (name, c_uint64)
        for name in (
            "connects",
            "reconnects",
            "frames_in",
            "bytes_in",
            "frames_out",
            "bytes_out",
            "events",
            "resyncs",
            "overflows",
            "queued_events",
            "queued_bytes",
            "subscriptions",
            "active_subscriptions",
            "last_rtt_us",
        )
    ]


#: Rows in a batch, at most.
MOST_ROWS = 512

DELIVER_POLL = 1
FLAG_RESYNC = 1
FLAG_SETTLED = 4
FLAG_ENDED = 2

lib = load()


def _declare(name: str, result: object, *arguments: object) -> None:
    function = getattr(lib, name)
    function.restype = result
    function.argtypes = arguments


#: A function that is never given: everything comes as rows.
_NULL = c_void_p
_OUT_POINTER = POINTER(c_void_p)
_OUT_SIZE = POINTER(c_size_t)

_declare("drt_version", c_char_p)
_declare("drt_last_error_info", c_int32, POINTER(ErrorInfo))
_declare("drt_set_log", c_int32, c_int32, LOG_FN, c_void_p, _NULL)
_declare("drt_client_new", c_int32, POINTER(ClientOptions), _OUT_POINTER)
_declare("drt_client_on_token", c_int32, c_void_p, _NULL, c_void_p, _NULL)
_declare("drt_client_connect", c_int32, c_void_p)
_declare("drt_client_reconnect", c_int32, c_void_p)
_declare("drt_client_disconnect", c_int32, c_void_p)
_declare("drt_client_set_token", c_int32, c_void_p, c_char_p)
_declare("drt_client_state", c_int32, c_void_p)
_declare("drt_client_is_connected", c_bool, c_void_p)
_declare("drt_client_wait", c_int32, c_void_p, c_int32, c_uint32)
_declare("drt_client_stats", c_int32, c_void_p, POINTER(Stats))
_declare("drt_client_close", c_int32, c_void_p, c_uint32)
_declare("drt_scope_new", c_int32, c_void_p, _OUT_POINTER)
_declare("drt_scope_close", c_int32, c_void_p)
_declare(
    "drt_subscribe",
    c_int32,
    c_void_p,
    c_void_p,
    POINTER(SubscriptionOptions),
    _NULL,
    c_void_p,
    _NULL,
    _OUT_POINTER,
)
_declare(
    "drt_live_open",
    c_int32,
    c_void_p,
    c_void_p,
    POINTER(LiveOptions),
    _NULL,
    c_void_p,
    _NULL,
    _OUT_POINTER,
)
_declare("drt_live_wait", c_int32, c_void_p, c_uint32)
_declare("drt_live_verify", c_int32, c_void_p, c_uint32, _NULL, c_void_p, _NULL)
_declare("drt_live_close", c_int32, c_void_p)
_declare("drt_subscription_wait", c_int32, c_void_p, c_uint32)
_declare("drt_subscription_resync", c_int32, c_void_p)
_declare("drt_subscription_unsubscribe", c_int32, c_void_p)
_declare("drt_unsubscribe", c_int32, c_void_p, c_char_p)
_declare("drt_unsubscribe_collection", c_int32, c_void_p, c_char_p, _OUT_SIZE)
_declare("drt_unsubscribe_all", c_int32, c_void_p, _OUT_SIZE)
_declare("drt_has_subscription", c_bool, c_void_p, c_char_p)
_declare("drt_send_message", c_int32, c_void_p, c_char_p)
_declare("drt_request", c_int32, c_void_p, c_char_p, c_uint32, _NULL, c_void_p, _NULL)
_declare("drt_client_fd", c_int, c_void_p)
_declare(
    "drt_client_next_indexed",
    c_int32,
    c_void_p,
    c_int32,
    c_size_t,
    c_void_p,
    c_size_t,
    _OUT_POINTER,
    _OUT_SIZE,
    _OUT_SIZE,
)
