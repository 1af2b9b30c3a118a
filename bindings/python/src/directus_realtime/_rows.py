"""The rows in which everything comes from the library (`drt_client_next_indexed`)."""

from __future__ import annotations

import struct

#: `drt_row_entry`: the numbers of a row, and where its text is. The text of an event is its
#: data and its meta. It is not parsed here, and replies are parsed by the call that waits.
ENTRY = struct.Struct("=5Q5I4x")
Entry = tuple[int, int, int, int, int, int, int, int, int, int]
NUMBER, SEQUENCE, BEGIN, DATA_END, END, ROW, KIND, FLAGS, INDEX, COUNT = range(10)

#: The rows that are no events.
STATE, TOKEN_WANTED, REPLY, RELEASED, UPDATE = 1, 2, 3, 4, 5
