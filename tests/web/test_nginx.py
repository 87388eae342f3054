"""`docs/deploy/nginx.conf` in front of the real server: what passes through it, and that it waits for nothing."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import requests
from aiohttp import web
from flask import Flask, request

from huiyin.assistant.faces.web.tls import self_signed
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common import errors, request_id
from huiyin.services.common.routes import add_route, open_websocket
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import running
from tests.support.service_process import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
NAME = "talk.example"
HEARD = threading.Event()  # the client has the first word
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt install nginx")]


def app() -> Flask:
    app = Flask("under-test")
    errors.install(app)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.post("/size")
    def size() -> dict[str, object]:
        return {"bytes": len(request.get_data()), "request_id": request_id.current()}

    @app.get("/words")
    def words() -> tuple[Iterator[bytes], dict[str, str]]:
        def pieces() -> Iterator[bytes]:
            yield b"first"
            HEARD.wait(PATIENCE_S)
            yield b" last"

        return pieces(), {"Content-Type": "text/event-stream"}

    async def talk(asked: web.Request) -> web.StreamResponse:
        socket = await open_websocket(asked, max_message_bytes=1000)
        async for message in socket:
            await socket.send_str(f"heard {message.data}")
        return socket

    add_route(app, "GET", "/talk", talk)
    return app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nginx's own."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The address of nginx, with the example as it stands but for ports, certificate and folders."""
    assert NGINX
    port = free_port()
    with running(app(), ServiceSettings(hosts=(NAME,))) as behind:
        certificate = self_signed(folder)
        text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text(encoding="utf-8")
        for found, changed in (
            (r"server 127\.0\.0\.1:8000;", f"server {behind.removeprefix('http://')};"),
            (r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            (r"/var/log/nginx/huiyin\.log", f"{folder}/access.log"),
            (r"/etc/letsencrypt/\S+fullchain\.pem", str(certificate.path)),
            (r"/etc/letsencrypt/\S+privkey\.pem", str(certificate.key_path)),
        ):
            text, count = re.subn(found, changed, text)
            assert count == 1, found
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        head = f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
        whole = f"{head}http {{ access_log off; {temporary}\n{text}}}"
        path = folder / "nginx.conf"
        path.write_text(whole, encoding="utf-8")
        with subprocess.Popen([NGINX, "-e", "stderr", "-p", str(folder), "-c", str(path)]) as process:
            try:
                until(lambda: answers(port))
                yield f"https://127.0.0.1:{port}"
            finally:
                process.terminate()


def answers(port: int) -> bool:
    try:
        return requests.get(f"https://127.0.0.1:{port}/", verify=False, timeout=1).status_code in (403, 404)
    except requests.ConnectionError:
        return False


def test_a_large_recording_passes_and_both_logs_have_one_name(url: str, folder: Path) -> None:
    asked = {"headers": {"Host": NAME}, "verify": False, "timeout": PATIENCE_S}
    answer = requests.post(f"{url}/size?key=secret", data=b"x" * 3_000_000, **asked)
    assert answer.json()["bytes"] == 3_000_000
    assert re.fullmatch("[0-9a-f]{32}", answer.json()["request_id"]), "nginx's own"
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    until(lambda: answer.headers["X-Request-Id"] in (folder / "access.log").read_text())
    assert "secret" not in (folder / "access.log").read_text()


def test_words_come_as_they_are_made(url: str) -> None:
    answer = requests.get(f"{url}/words", headers={"Host": NAME}, verify=False, timeout=PATIENCE_S, stream=True)
    pieces = answer.iter_content(None)
    assert next(pieces) == b"first"
    HEARD.set()
    assert b"".join(pieces) == b" last"


def test_a_conversation_is_a_websocket(url: str) -> None:
    async def talk() -> str:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/talk", headers={"Host": NAME}, ssl=context) as socket,
        ):
            await socket.send_str("hello")
            return await socket.receive_str(timeout=PATIENCE_S)

    assert asyncio.run(talk()) == "heard hello"
