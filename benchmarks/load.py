"""A load generator for loopback: some clients that each send one request after the other, over raw sockets.

The sockets are raw, because the client shares the machine with the server: an HTTP client in Python takes as long for a
request as the server does.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

CLIENTS = 4


class Load(NamedTuple):
    """The result of a load: requests per second, and their times in milliseconds."""

    rate: float
    median: float
    p95: float


def request(method: str, target: str, port: int, token: str, body: bytes = b"", scheme: str = "Token") -> bytes:
    """Return the bytes of a request."""
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: {scheme} {token}",
        "Accept: application/json",
        "Connection: close",
        *([f"Content-Type: application/json\r\nContent-Length: {len(body)}"] if body else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wait_for(port: int, seconds: float = 60) -> None:
    """Return when a server accepts connections on a port.

    Raises:
        TimeoutError: it does not within these seconds.
    """
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise TimeoutError(f"No server on port {port} after {seconds:g} s.")


def send(port: int, data: bytes) -> bytes:
    """Send a request and return the whole response."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(data)
        answer = []
        while part := connection.recv(262_144):
            answer.append(part)
    return b"".join(answer)


def run(port: int, data: Callable[[], bytes], status: int, seconds: float, clients: int = CLIENTS) -> list[float]:
    """Let the clients send for some seconds and return the time of each request, in milliseconds.

    Raises:
        ValueError: an answer has another status.
    """
    times: list[float] = []
    wrong: list[bytes] = []
    give_up = time.monotonic() + seconds
    expected = f"HTTP/1.1 {status} ".encode()

    def client() -> None:
        while time.monotonic() < give_up and not wrong:
            message = data()
            start = time.perf_counter()
            answer = send(port, message)
            times.append((time.perf_counter() - start) * 1_000)
            if not answer.startswith(expected):
                wrong.append(answer)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise ValueError(wrong[0][:500].decode(errors="replace"))
    return times


def summary(times: list[float], seconds: float) -> Load:
    return Load(len(times) / seconds, statistics.median(times), statistics.quantiles(times, n=20)[-1])
