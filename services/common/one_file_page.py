"""Pages that are one file and make no request: a template with the style and the script that lie beside it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template


def page_template(folder: Path, *, more_policy: str = "") -> Template:
    """``page.html`` of `folder`, which extends ``one_file_page.html``, with ``page.css`` and ``page.js`` in it.

    It needs `language` and `title`. All that it is given is escaped, and a content security policy allows only its own
    script; `more_policy` allows more.
    """
    style, script = ((folder / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'unsafe-inline'; img-src data:"
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals.update(style=style, script=script, policy="; ".join(filter(None, (policy, more_policy))))
    return environment.get_template("page.html")
