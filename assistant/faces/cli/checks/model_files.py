"""Model files, and room for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from huiyin.assistant.faces.cli.checks.check import Check, Level
from huiyin.configs.choice.record import read_record
from huiyin.configs.settings import Settings
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.model_store import FileState, ModelStore
from huiyin.configs.store.progress import megabytes

_PROFILE = "embedded"
_SPARE_BYTES = 500_000_000  # for the system, and what the demo writes


def files(settings: Settings) -> Iterator[Check]:
    """Every model file that these settings need, verified; reads only what was not verified before."""
    try:
        store = ModelStore(settings.store)
    except StoreError as error:
        yield Check("fail", "doctor.cannot_be_checked", error=error, hint="huiyin settings store")
        return
    for group in _groups(settings, store):
        try:
            states = store.verify(group, full=False)
        except StoreError as error:
            yield Check("fail", "doctor.cannot_be_checked", error=error, hint="huiyin models list")
            continue
        states = [state for state in states if _is_needed(state, settings)]
        bad = [state for state in states if state.state != "here"]
        for state in bad:
            key = "doctor.model_file_damaged" if state.state == "damaged" else "doctor.model_file_missing"
            yield Check("fail", key, name=state.file.name, size=megabytes(state.file.bytes), group=group)
        if states and not bad:
            size = megabytes(sum(state.file.bytes for state in states))
            yield Check("ok", "doctor.model_files", group=group, count=len(states), size=size, folder=store.dir)


def _groups(settings: Settings, store: ModelStore) -> list[str]:
    """The profile, and the models that the settings name beyond it."""
    groups = [_PROFILE]
    known = {file.name for file in store.catalog.profile(_PROFILE)}
    recognisers = [settings.asr.model] if settings.asr.has_embedded else []
    for name in [*recognisers, *_llama_models(settings)]:
        in_profile = any(file == name or file.startswith(f"{name}/") for file in known)
        if not in_profile and not Path(name).expanduser().exists():
            groups.append(name)
    return groups


def _llama_models(settings: Settings) -> list[str]:
    """The embedded language model, and the one that judges words, where they are used."""
    models = []
    if settings.llm.has_embedded:
        models.append(settings.llm.model)
    if settings.words_are_judged:
        models.append(settings.llm.turn_model)
    return models


def _is_needed(state: FileState, settings: Settings) -> bool:
    name = state.file.name
    if name.endswith(".gguf"):
        return name in _llama_models(settings)
    if name.startswith("whisper-"):
        return (
            settings.asr.has_embedded and settings.asr.engine == "whisper" and name.startswith(f"{settings.asr.model}/")
        )
    return True


def chosen(settings: Settings) -> Iterator[Check]:
    """Which models were chosen for this machine, and whether better ones can be looked for."""
    record = read_record(settings.store.path) if settings.store.choose else None
    if record is None:
        return
    names = [part.used for part in record.parts.values()]
    waiting = [part.wanted for part in record.parts.values() if part.wanted != part.used]
    if waiting:
        yield Check("ok", "doctor.chosen_and_waiting", names=names, waiting=waiting)
    elif any(source != "registry" for source in record.sources):
        yield Check("ok", "doctor.chosen", names=names)
    else:
        yield Check("ok", "doctor.chosen_without_hub", names=names)


def disk(settings: Settings) -> Iterator[Check]:
    """Room for what is missing."""
    try:
        store = ModelStore(settings.store)
        states = [state for group in _groups(settings, store) for state in store.look(group)]
    except StoreError:
        return  # reported by `files`
    absent = [state for state in states if not state.is_here and _is_needed(state, settings)]
    missing = sum(state.file.bytes for state in absent)
    place = next(folder for folder in (store.dir, *store.dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < missing + _SPARE_BYTES:
        level: Level = "fail" if missing else "warn"
        yield Check(level, "doctor.disk_short", free=megabytes(free), place=place, missing=megabytes(missing))
    else:
        yield Check("ok", "doctor.disk", free=megabytes(free), place=place)
