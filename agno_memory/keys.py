"""Keys of rows: UUIDs of version 7, and digests of several texts."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7() -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7) as text. Within one process each one sorts after the previous one.

    It begins with 48 bits of milliseconds and 12 bits of their fraction (method 3 of section 6.2). So keys of several
    processes sort by their time, to a quarter of a microsecond, which keeps their index dense and breaks ties in the
    order of creation. Python's own ``uuid.uuid7()`` exists from 3.14 on.
    """
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        ticks = _last
    milliseconds, fraction = divmod(ticks, 4096)
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random))


def composite_key(*parts: str) -> str:
    """Return one key for several texts: a digest of 192 bits (BLAKE2b) in 32 characters of base64url.

    The length of each part precedes it, so ("ab", "c") and ("a", "bc") have different keys.
    """
    digest = hashlib.blake2b(digest_size=24)
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:%b" % (len(encoded), encoded))
    return base64.urlsafe_b64encode(digest.digest()).decode()
