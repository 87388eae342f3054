"""A program whose answers wait for a file: ``python -m tests.support.waiting_program PORT GRACE_S``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, request

from huiyin.configs.settings import ServiceSettings
from huiyin.services.common import serve

_POLL_S = 0.01


def make_app() -> Flask:
    """Routes: /health, and /wait?for=FILE, which ends when there is such a file, even after its client has left."""
    app = Flask("waiting")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {}

    @app.get("/wait")
    def wait() -> Response:
        file = Path(request.args["for"])

        def pieces() -> Iterator[bytes]:
            yield b"begun "
            while not file.exists():
                time.sleep(_POLL_S)
            yield b"ended"

        return Response(pieces())

    return app


if __name__ == "__main__":
    serve.STOP_GRACE_S = float(sys.argv[2])
    serve.serve(make_app, ServiceSettings(), int(sys.argv[1]))
    print("served")
