"""Where a hub, or GitHub, has a file. A mirror is named by the settings, or by HF_ENDPOINT, as Hugging Face's own
library has it."""

from __future__ import annotations

import os

from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.catalog import ModelFile

HUBS = ("modelscope", "huggingface")
"""The sources that keep whole models: those of which a machine's choice asks whether they are in reach."""
_HUGGING_FACE = "https://huggingface.co"


def hub_url(settings: StoreSettings, file: ModelFile, source: str) -> str:
    """The file's address at "modelscope", "huggingface" or "github"; '' where it has none there."""
    if source == "github":
        return f"{settings.github_url.rstrip('/')}/{file.github}" if file.github else ""
    located = {"modelscope": file.modelscope, "huggingface": file.huggingface}.get(source)
    if not located:
        return ""
    owner, repository, path = located.split("/", 2)
    if source == "modelscope":
        return f"{settings.modelscope_url.rstrip('/')}/models/{owner}/{repository}/resolve/master/{path}"
    base = settings.huggingface_url or os.environ.get("HF_ENDPOINT") or _HUGGING_FACE
    return f"{base.rstrip('/')}/{owner}/{repository}/resolve/main/{path}"
