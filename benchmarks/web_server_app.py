"""The app that `benchmarks.web_server` has served by both servers. It imports Flask alone: gunicorn's environment has
no more.

``python benchmarks/web_server_app.py PORT THREADS`` serves it with gunicorn's threads, as the services once were.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from flask import Flask, Response, request

WORDS = 10
PACE_S = 0.05
_KEEP_ALIVE_S = 120


def make_app() -> Flask:
    """Routes: a small answer, a body that is read, words at a pace."""
    app = Flask("benchmark")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/size")
    def size() -> dict[str, int]:
        return {"size": len(request.get_data())}

    @app.get("/words")
    def words() -> Response:
        def pieces() -> Iterator[bytes]:
            for number in range(WORDS):
                yield b"word%d " % number
                time.sleep(PACE_S)

        return Response(pieces())

    return app


def _serve_gunicorn(port: str, threads: str) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            settings = {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": int(threads),
                "timeout": 0,
                "keepalive": _KEEP_ALIVE_S,
                "loglevel": "warning",
            }
            for key, value in settings.items():
                self.cfg.set(key, value)

        def load(self) -> Flask:
            return make_app()

    Server().run()


if __name__ == "__main__":
    _serve_gunicorn(*sys.argv[1:])
