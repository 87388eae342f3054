"""Calls to the services: cancelled from another thread, and described in words when they fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from huiyin.assistant.clients.http import Call, Cancelled, ServiceError
from tests.support.service_process import free_port

LIMIT_S = 60.0  # a call that is not cancelled hangs for so long


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def call(port: int, timeout_s: float = LIMIT_S) -> Call:
    return Call("tts", f"http://127.0.0.1:{port}", timeout_s=timeout_s)


def test_a_call_that_waits_for_its_first_byte_can_be_cancelled(silent: socket.socket) -> None:
    waiting, ended = call(silent.getsockname()[1]), threading.Event()

    def wait() -> None:
        with pytest.raises(Cancelled):
            list(waiting.request("POST", "/audio", b"{}", {}))
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    connection, _ = silent.accept()
    assert connection.recv(1000).startswith(b"POST /audio")
    waiting.cancel()
    assert ended.wait(LIMIT_S / 2)
    thread.join()
    connection.close()


def test_a_call_that_was_cancelled_before_it_began_sends_nothing(silent: socket.socket) -> None:
    early = call(silent.getsockname()[1])
    early.cancel()
    with pytest.raises(Cancelled):
        list(early.request("POST", "/audio", b"{}", {}))
    silent.settimeout(0.05)
    with pytest.raises(TimeoutError):
        silent.accept()


def test_a_silent_service_is_waited_for_no_longer_than_asked(silent: socket.socket) -> None:
    with pytest.raises(ServiceError, match=r"tts gave no answer within 0\.05 s"):
        list(call(silent.getsockname()[1], 0.05).request("POST", "/audio", b"{}", {}))


def test_a_service_that_does_not_run_is_named_with_what_starts_it() -> None:
    with pytest.raises(ServiceError, match="start it with `huiyin serve tts`"):
        list(call(free_port()).request("POST", "/audio", b"{}", {}))


def test_a_connection_that_is_reset_while_it_is_made_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(*asked: object, **more: object) -> socket.socket:
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(socket, "create_connection", reset)
    with pytest.raises(ServiceError, match=r"tts at http://127\.0\.0\.1:9: reset by peer"):
        list(call(9).request("POST", "/audio", b"{}", {}))
