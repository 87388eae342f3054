"""A production WSGI server behind each service: gunicorn's threads on POSIX, waitress elsewhere.

One process a service: the model is loaded once, and the threads of all requests share it. A streamed answer occupies a
thread, so the number of threads limits the callers served at once.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from flask import Flask

from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import ServiceSettings

_KEEP_ALIVE_S = 120  # a conversation reuses its connections between turns; its client gives them up before
_STOP_GRACE_S = 3  # then running requests are aborted
_SPARE_THREADS = 8  # for /health, and for refusals while all others are busy
_LINE_BYTES = 8190  # of an address: a live stream has its hotwords there, nine bytes a Chinese character
_REQUESTS_A_STREAM = 4  # threads for one live stream more, which occupies its own for minutes


class PortTaken(HuiyinError):
    """The address cannot be listened on."""


def most_streams(settings: ServiceSettings) -> int:
    """How many live streams a service may have open; each has a thread in addition to those for requests."""
    return max(1, settings.threads // _REQUESTS_A_STREAM)


def check_port(host: str, port: int) -> None:
    """Raise PortTaken when `host:port` cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken("services.port_taken", host=host, port=port, why=error.strerror) from error


def stop_with_parent() -> None:
    """End this process when its standard input closes, as it does at any end of the parent."""

    descriptor = sys.stdin.fileno()

    def wait() -> None:
        try:
            # Not sys.stdin: gunicorn's workers would inherit its locked lock and die at their exit.
            while os.read(descriptor, 4096):
                pass
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="stop-with-parent", daemon=True).start()


def serve(make_app: Callable[[], Flask], settings: ServiceSettings, port: int) -> None:
    """Serve until stopped by a signal. `make_app` is called once, in the process that answers requests."""
    check_port(settings.host, port)
    if os.name == "posix":
        _serve_gunicorn(make_app, settings, port)
    else:
        from waitress import serve as waitress_serve

        waitress_serve(
            make_app(),
            host=settings.host,
            port=port,
            threads=_thread_count(settings),
            channel_timeout=_KEEP_ALIVE_S,
            channel_request_lookahead=1,  # lets a request notice that its client has left
        )


def _thread_count(settings: ServiceSettings) -> int:
    return settings.threads + most_streams(settings) + _SPARE_THREADS


def _serve_gunicorn(make_app: Callable[[], Flask], settings: ServiceSettings, port: int) -> None:
    from gunicorn.app.base import BaseApplication

    logging.getLogger("gunicorn.error").setLevel(logging.WARNING)

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            for key, value in {
                "bind": f"{host}:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": _thread_count(settings),
                "limit_request_line": _LINE_BYTES,
                "timeout": 0,  # a long recording is not a worker that hangs
                "graceful_timeout": _STOP_GRACE_S,
                "keepalive": _KEEP_ALIVE_S,
                "loglevel": "warning",
                "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,
            }.items():
                self.cfg.set(key, value)

        def load(self) -> Flask:
            return make_app()

    Server().run()
