"""Model files that other programs have fetched: the caches of ModelScope's and Hugging Face's own libraries.

Hugging Face: `HF_HUB_CACHE`, else `HF_HOME`/hub, else ~/.cache/huggingface/hub; a file of ``owner/name`` is at
``models--owner--name/snapshots/<revision>/<path>``. ModelScope: `MODELSCOPE_CACHE`, else ~/.cache/modelscope; its
versions put a repository at ``owner/name``, ``hub/owner/name`` or ``hub/models/owner/name``, with dots in the name as
``___``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from huiyin.configs.store.catalog import ModelFile


def cached_files(file: ModelFile) -> Iterator[Path]:
    """Files of those caches that should be `file`: of its name and size; their content is not looked at."""
    for path in [*_hugging_face(file.huggingface), *_modelscope(file.modelscope)]:
        try:
            if path.stat().st_size == file.bytes:
                yield path
        except OSError:
            continue


def link(cached: Path, path: Path) -> None:
    """Make `path` the file `cached` without a copy. Raises OSError where the system cannot."""
    whole = cached.resolve()  # Hugging Face's snapshots are links
    path.unlink(missing_ok=True)
    try:
        os.link(whole, path)  # stays whole when the cache is emptied
    except OSError:  # another disk
        path.symlink_to(whole)


def _hugging_face(located: str) -> Iterator[Path]:
    if not located:
        return
    owner, repository, path = located.split("/", 2)
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    yield from sorted(hub.glob(f"models--{owner}--{repository}/snapshots/*/{path}"))


def _modelscope(located: str) -> Iterator[Path]:
    if not located:
        return
    owner, repository, path = located.split("/", 2)
    cache = Path(os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope").expanduser()
    for folder in (cache, cache / "models", cache / "hub", cache / "hub" / "models"):
        for name in dict.fromkeys((repository, repository.replace(".", "___"))):
            yield folder / owner / name / path
