"""Servers that speak OpenAI's protocol: where they have what, by the address that their user gives; key; models. Pure.

People copy a server's address without its `/v1`, with an endpoint at its end, or Ollama's own; Azure's has a query, and
wants the key in a header of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from huiyin.configs.settings import SettingsError
from huiyin.services.common.shown_url import shown_url

_ENDPOINT = re.compile(
    r"/(?:chat/completions|completions|responses|embeddings|models|messages|chat"
    r"|audio/(?:transcriptions|translations|speech|voices))$",
    re.I,
)
_OLLAMA = re.compile(r"/api/(?:chat|generate|tags|show|version)$", re.I)
_VERSION = re.compile(r"/v\d+(?:\.\d+)?(?:alpha|beta)?\d*$", re.I)
_SECRET = re.compile(r"key|token|secret|pass|pwd|auth|cred|sig|^code$|^sas$|^jwt$", re.I)  # of a parameter's name
_AZURE = (".azure.com", ".azure-api.net")


@dataclass(frozen=True)
class Address:
    """`origin`: scheme, host and port. `paths`: what may come before "/chat/completions", "/audio/speech" and
    "/models" there, the likeliest first.

    `query`: what comes after it, with its question mark; '' for none.
    """

    origin: str
    paths: tuple[str, ...]
    query: str


def read_address(address: str) -> Address:
    """The address of a server. Raises SettingsError for one that cannot be read, or has a secret in it.

    >>> read_address("http://127.0.0.1:11434").paths, read_address("https://h/openai/v1/chat/completions/").paths
    (('/v1', ''), ('/openai/v1',))
    """
    try:
        url = urlsplit(address.strip())
        _ = url.port  # raises ValueError, too
    except ValueError:
        raise SettingsError("upstreams.bad_base_url", address=shown_url(address)) from None
    secrets = [name for name, _ in parse_qsl(url.query, keep_blank_values=True) if _SECRET.search(name)]
    if secrets or url.username is not None or url.password is not None:
        raise SettingsError("upstreams.key_in_url", address=shown_url(address))
    if url.fragment:
        raise SettingsError("upstreams.bad_base_url", address=shown_url(address))
    origin = url._replace(path="", query="").geturl()
    return Address(origin, tuple(dict.fromkeys(_paths(url.path))), f"?{url.query}" if url.query else "")


def _paths(path: str) -> list[str]:
    path = re.sub("/{2,}", "/", path).rstrip("/")
    if _OLLAMA.search(path):
        return [f"{_OLLAMA.sub('', path)}/v1"]
    path = _ENDPOINT.sub("", path)
    if _VERSION.search(path):
        return [path]
    if not path:
        return ["/v1", ""]
    return [path, f"{path}/v1", *([f"{path.removesuffix('/api')}/v1"] if path.endswith("/api") else [])]


def key_headers(key: str, address: str = "") -> dict[str, str]:
    """How a server at `address` is sent a key ('' for none)."""
    if not key:
        return {}
    is_azure = (urlsplit(address).hostname or "").endswith(_AZURE)
    return {"Authorization": f"Bearer {key}", **({"api-key": key} if is_azure else {})}


def models_in(document: Any) -> list[dict[str, Any]] | None:
    """The models of an answer of `/models`, each with its "id"; None: it is no list of models."""
    listed = document.get("data") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        return None
    return [model for model in listed if isinstance(model, dict) and model.get("id")]
