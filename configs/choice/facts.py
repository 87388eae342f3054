"""Gathering the facts of this machine that a choice depends on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.choice.choose import Facts
from huiyin.configs.choice.hubs import HubAnswer, ask_hubs
from huiyin.configs.choice.ladder import Ladders
from huiyin.configs.choice.machine import cores, free_memory_bytes
from huiyin.configs.choice.record import Record
from huiyin.configs.settings import Settings
from huiyin.configs.store.hub_caches import cached_files
from huiyin.configs.store.model_store import ModelStore

_NMCLI = ("nmcli", "-t", "-g", "GENERAL.METERED", "device", "show")
_NMCLI_S = 2.0


@dataclass(frozen=True)
class Looked:
    """The facts, and how each hub answered."""

    facts: Facts
    hubs: Mapping[str, HubAnswer]


def gather(
    settings: Settings, store: ModelStore, ladders: Ladders, record: Record | None, *, quickest_first: bool = True
) -> Looked:
    """The facts now, some seconds at most; speed and proofs are those of the record.

    `quickest_first`: sources in the order of their speed, not in that of the settings.
    """
    files = {
        file.name: file
        for rungs in ladders.values()
        for r in rungs
        for m in r.models
        for file in store.catalog.under(m)
    }
    is_here = {state.file.name: state.is_here for state in store.look()}
    here = {f.name for f in files.values() if is_here[f.name] or any(cached_files(f))}
    hubs: Mapping[str, HubAnswer] = {}
    sources: dict[str, float] = {}
    if not settings.store.offline:
        hubs = ask_hubs(settings.store, list(files.values()))
        sources = {name: hubs[name].bytes_s if name in hubs else 0.0 for name in settings.store.sources}
        sources = {name: rate for name, rate in sources.items() if rate or name == "registry"}
        if quickest_first:
            sources = dict(sorted(sources.items(), key=lambda item: -item[1]))
    facts = Facts(
        here=frozenset(here),
        sources=sources,
        memory_bytes=free_memory_bytes(),
        disk_bytes=_free_disk_bytes(store.dir),
        cores=cores(),
        languages=settings.asr.languages,
        speed=record.speed if record else None,
        refused=record.refused if record else {},
        proven=frozenset(record.proven if record else ()),
        metered=is_metered(settings.store.metered),
    )
    return Looked(facts, hubs)


def is_metered(setting: str) -> bool:
    """Whether the network is paid by the byte: as the setting says, or as NetworkManager knows."""
    if setting != "auto":
        return setting == "yes"
    try:
        told = subprocess.run(_NMCLI, capture_output=True, text=True, timeout=_NMCLI_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return any(line.startswith("yes") for line in told.splitlines())


def _free_disk_bytes(folder: Path) -> int:
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free
