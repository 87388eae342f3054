"""A service that tells what ``import services`` says: ``python -m tests.support.wrong_import asr --port N``."""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask

import huiyin.services.__main__ as program
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import serve


def make_app() -> Flask:
    """Called by the server."""
    app = Flask("wrong_import")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {}

    @app.get("/import")
    def wrong_import() -> str:
        try:
            import services  # noqa: F401
        except ImportError as error:
            return str(error)
        return "it works"

    return app


def serve_it(_: object, settings: ServiceSettings, port: int, **options: Any) -> None:
    """As `serve`."""
    serve(make_app, settings, port, **options)


if __name__ == "__main__":
    program.serve = serve_it  # type: ignore[assignment]
    sys.exit(program.main())
