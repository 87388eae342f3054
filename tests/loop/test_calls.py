"""Calls to the services: over kept connections, ended at once by who asked, and described in words when they fail."""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncGenerator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from huiyin.assistant.clients.decoders import Events, Json
from huiyin.assistant.clients.http import ServiceError, call
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.configs.settings import load
from tests.support.service_process import free_port

LIMIT_S = 60.0  # a call that is not cancelled hangs for so long
MESSAGES = [{"role": "user", "content": "hello"}]


class Handler(BaseHTTPRequestHandler):
    """A connection to `Service`."""

    protocol_version = "HTTP/1.1"
    server: Service

    def setup(self) -> None:
        super().setup()
        self.answered = 0
        self.server.connections += 1

    def do_POST(self) -> None:
        self.server.requests.append(self.path)
        left = int(self.headers["Content-Length"])
        while left and self.server.reads:
            left -= len(self.rfile.read(min(left, 2**16)))
        if self.answered >= self.server.answers_a_connection:
            self.close_connection = True
            return
        self.answered += 1
        self.server.answer(self)

    def start(self, kind: str = "text/event-stream", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_: object) -> None: ...


class Service(ThreadingHTTPServer):
    """Writes "Hi", in `parts`. `stays_open`: its answers have no end; then `left` is set when the caller has gone."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.parts = [sse({"choices": [{"delta": {"content": text}}]}) for text in "Hi"] + [b"data: [DONE]\n\n"]
        self.connections, self.requests = 0, list[str]()
        self.answers_a_connection, self.reads, self.stays_open = 10**6, True, False
        self.left = threading.Event()

    def answer(self, to: Handler) -> None:
        to.start()
        for part in self.parts:
            to.chunk(part)
        if not self.stays_open:
            to.chunk(b"")
        elif to.connection.recv(1) == b"":
            self.left.set()

    @property
    def client(self) -> Services:
        return Services(load(overrides=[f"llm.port={self.server_port}", f"asr.port={self.server_port}"], environ={}))

    def ask(self) -> Stream[str]:
        return self.client.ask(MESSAGES, timeout_s=LIMIT_S)


def sse(event: object) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
        yield service
        service.shutdown()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def ask(port: int, timeout_s: float = LIMIT_S) -> Stream[dict[str, object]]:
    def decoder(content_type: str) -> Events[dict[str, object]]:
        return Events("tts", lambda event: [event])

    url = f"http://127.0.0.1:{port}"
    return Stream(lambda: call("tts", url, "/audio", decoder, timeout_s=timeout_s, body=b"{}"))


# --- ended by who asked ---------------------------------------------------------------------------------------------


def test_a_task_that_waits_for_its_first_byte_closes_its_connection_when_it_is_cancelled(silent: socket.socket) -> None:
    async def cancelled() -> bytes:
        loop = asyncio.get_running_loop()

        async def waiting() -> None:
            async for _ in ask(silent.getsockname()[1]):
                pass

        task = asyncio.create_task(waiting())
        connection, _ = await loop.sock_accept(silent)
        with connection:
            received = await loop.sock_recv(connection, 1000)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while data := await asyncio.wait_for(loop.sock_recv(connection, 1000), LIMIT_S / 2):
                received += data
        return received

    assert asyncio.run(cancelled()).startswith(b"POST /audio")


def test_breaking_out_of_a_loop_closes_the_connection(service: Service) -> None:
    service.parts, service.stays_open = service.parts[:1], True
    for piece in service.ask():
        assert piece == "H"
        break
    assert service.left.wait(LIMIT_S / 2)


def test_breaking_out_of_an_asynchronous_loop_closes_the_connection(service: Service) -> None:
    service.parts, service.stays_open = service.parts[:1], True

    async def broken() -> bool:
        async for piece in service.ask():
            assert piece == "H"
            break
        return await asyncio.to_thread(service.left.wait, LIMIT_S / 2)

    assert asyncio.run(broken())


def test_ctrl_c_ends_the_call_that_is_waited_for() -> None:
    ended = []

    async def waits() -> AsyncGenerator[str, None]:
        def ctrl_c() -> None:
            raise KeyboardInterrupt

        yield "H"
        asyncio.get_running_loop().call_soon(ctrl_c)
        try:
            await asyncio.sleep(LIMIT_S)
        finally:
            ended.append(True)

    pieces = iter(Stream(waits))
    assert next(pieces) == "H"
    with pytest.raises(KeyboardInterrupt):
        next(pieces)
    assert ended


def test_nothing_is_sent_before_the_first_item_is_asked_for(silent: socket.socket) -> None:
    iter(ask(silent.getsockname()[1]))
    with pytest.raises(BlockingIOError):
        silent.accept()


# --- kept connections -----------------------------------------------------------------------------------------------


def test_a_second_request_opens_no_new_connection(service: Service) -> None:
    for _ in range(3):
        assert "".join(service.ask()) == "Hi"
    assert (len(service.requests), service.connections) == (3, 1)


def test_calls_of_one_event_loop_share_their_connections(service: Service) -> None:
    async def twice() -> None:
        for _ in range(2):
            assert [piece async for piece in service.ask()] == ["H", "i"]

    asyncio.run(twice())
    assert (len(service.requests), service.connections) == (2, 1)


def test_several_threads_may_ask_at_once(service: Service) -> None:
    together, answers = threading.Barrier(4), list[str]()

    def several() -> None:
        pieces = iter(service.ask())
        first = next(pieces)
        together.wait(LIMIT_S)  # all four are being answered
        answers.append(first + "".join(pieces))

    threads = [threading.Thread(target=several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["Hi"] * 4
    assert service.connections == 4


def test_a_connection_that_the_service_closed_meanwhile_is_no_failure(service: Service) -> None:
    service.answers_a_connection = 1
    for _ in range(3):
        assert "".join(service.ask()) == "Hi"
    assert service.connections == 3


def test_a_new_connection_that_is_closed_without_an_answer_is_a_failure_and_not_tried_again(service: Service) -> None:
    service.answers_a_connection = 0
    with pytest.raises(ServiceError, match=r"llm at http://127\.0\.0\.1:\d+: Server disconnected"):
        list(service.ask())
    assert len(service.requests) == 1


def test_an_answer_is_over_with_its_last_event_though_the_body_goes_on(service: Service) -> None:
    service.stays_open = True
    assert "".join(service.ask()) == "Hi"
    assert service.left.wait(LIMIT_S / 2)  # a connection that cannot be used again is not kept


@pytest.mark.slow  # a program is started
def test_nothing_is_left_behind_when_the_interpreter_ends(service: Service) -> None:
    """Neither connections nor loops: Python would say so."""
    script = f"""
import logging, threading
logging.getLogger("asyncio").setLevel("ERROR")  # not how slow a busy machine is
from huiyin.assistant.clients.services import Services
from huiyin.configs.settings import load
services = Services(load(overrides=["llm.port={service.server_port}"], environ={{}}))
ask = lambda: services.ask([], timeout_s={LIMIT_S})
for piece in ask():
    break
threads = [threading.Thread(target=lambda: list(ask())) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("".join(ask()))
"""
    ran = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", script], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (ran.stdout, ran.stderr) == ("Hi\n", "")


# --- what fails, in words -------------------------------------------------------------------------------------------


def test_a_silent_service_is_waited_for_no_longer_than_asked(silent: socket.socket) -> None:
    with pytest.raises(ServiceError, match=r"tts gave no answer within 0\.05 s"):
        list(ask(silent.getsockname()[1], 0.05))


def test_a_service_that_falls_silent_is_waited_for_no_longer_than_asked(service: Service) -> None:
    service.parts, service.stays_open = service.parts[:1], True
    with pytest.raises(ServiceError, match=r"llm gave no answer within 0\.2 s"):
        list(service.client.ask(MESSAGES, timeout_s=0.2))


def test_a_service_that_does_not_run_is_named_with_what_starts_it() -> None:
    with pytest.raises(ServiceError, match="start it with `huiyin serve tts`"):
        list(ask(free_port()))


def test_a_connection_that_is_reset_is_a_failure_in_words(silent: socket.socket) -> None:
    async def reset() -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.create_task(anext(aiter(ask(silent.getsockname()[1]))))
        connection, _ = await loop.sock_accept(silent)
        await loop.sock_recv(connection, 1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        await asked

    with pytest.raises(ServiceError, match=r"tts at http://127\.0\.0\.1:\d+: .*reset by peer"):
        asyncio.run(reset())


def test_another_program_on_the_port_is_told_from_a_service(silent: socket.socket) -> None:
    async def greeted() -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.create_task(anext(aiter(ask(silent.getsockname()[1]))))
        connection, _ = await loop.sock_accept(silent)
        with connection:
            await loop.sock_sendall(connection, b"SSH-2.0-OpenSSH_9\r\n\r\n")
            await asked

    with pytest.raises(ServiceError, match="not an HTTP response"):
        asyncio.run(greeted())


@pytest.mark.parametrize("parts", [1, 2])
def test_an_answer_without_an_end_broke_off(service: Service, parts: int) -> None:
    service.parts = service.parts[:parts]
    with pytest.raises(ServiceError, match="the answer broke off before its end"):
        list(service.ask())


def test_a_service_that_dies_in_the_middle_of_an_answer_broke_off(service: Service) -> None:
    def die(to: Handler) -> None:
        to.start()
        to.chunk(service.parts[0])
        to.close_connection = True

    service.answer = die  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="llm broke off in the middle of its answer"):
        list(service.ask())


@pytest.mark.parametrize("message", ["no room", "no room; wait", "no room；wait"])
def test_an_error_among_the_events_is_told_once_in_its_words(service: Service, message: str) -> None:
    """Also where the message ends with the hint, as in both languages of ours."""
    service.parts = [sse({"error": {"message": message, "hint": "wait"}})]
    with pytest.raises(ServiceError, match=re.escape("llm: no room (wait)")):
        list(service.ask())


# --- recordings -----------------------------------------------------------------------------------------------------


class Zeros(io.RawIOBase):
    """A recording of `left` bytes that is nowhere."""

    def __init__(self, left: int) -> None:
        self.left = left

    def read(self, size: int = -1) -> bytes:
        data = bytes(min(size, self.left))
        self.left -= len(data)
        return data


def test_a_long_recording_is_sent_as_it_is_read(service: Service) -> None:
    length = 2**26
    service.parts[0] = sse({"type": "progress"})
    tracemalloc.start()
    events = list(service.client.transcribe_file(Zeros(length), length, {"title": "long"}, timeout_s=LIMIT_S))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert events[0] == {"type": "progress"}
    assert peak < length / 16


def test_a_refusal_that_comes_before_all_of_a_recording_is_sent_says_why(service: Service) -> None:
    def refuse(to: Handler) -> None:
        to.start("application/json", 413)
        to.chunk(b'{"error": {"message": "too long"}}')
        to.chunk(b"")
        to.close_connection = True  # what has not been read yet makes it a reset

    service.answer, service.reads = refuse, False  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="asr: too long"):
        list(service.client.transcribe_file(Zeros(2**26), 2**26, {}, timeout_s=LIMIT_S))


def test_a_document_that_is_not_what_was_expected_is_an_error() -> None:
    judged = Json(lambda body: float(body["probability"]), ServiceError("clients.not_a_judgement", service="llm"))
    assert list(judged.feed(b'{"prob')) == []
    judged.feed(b'abilty": 1}')
    with pytest.raises(ServiceError, match="not a judgement"):
        judged.feed(b"")
