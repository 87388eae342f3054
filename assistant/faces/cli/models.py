"""``huiyin models``: what model files there are, and having them on this machine."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sized
from pathlib import Path

from huiyin.assistant.faces.cli.models_plan import choose_again, show_plan
from huiyin.assistant.faces.cli.shared import INTERRUPTED, CommandError, confirm_deletion
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.configs.messages import colon, said
from huiyin.configs.settings import Settings
from huiyin.configs.store.carried import README
from huiyin.configs.store.model_store import ModelStore, State
from huiyin.configs.store.progress import megabytes
from huiyin.services.common.child import module_command

_DEFAULT_PROFILE = "embedded"
_CONVERTED = "sensevoice-small"  # folder in the store
_WORDS: dict[State, str] = {
    "here": "shown.model_here",
    "missing": "shown.model_missing",
    "damaged": "shown.model_damaged",
    "unchecked": "shown.model_unchecked",
}
_STATE_WIDTH = 17


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status. Raises StoreError, or CommandError for missing or damaged files."""
    choosing = {"plan": show_plan, "choose": choose_again}
    actions = {"list": _list, "verify": _verify, "path": _path, "convert": _convert}
    carrying = {"fetch": _fetch, "export": _export}
    try:
        if args.action in choosing:
            return choosing[args.action](args, settings)
        store = ModelStore(settings.store)
        if args.action == "prune":
            return _prune(store, args.name, asks=not args.yes)
        if args.action in carrying:
            return carrying[args.action](store, args.name, args.folder)
        return actions[args.action](store, args.name)
    except KeyboardInterrupt:
        print(said("shown.stopped"), file=sys.stderr)
        return INTERRUPTED


def _list(store: ModelStore, name: str | None) -> int:
    states = store.look(name)
    width = max(len(s.file.name) for s in states)
    for s in states:
        state = padded(said(_WORDS[s.state]), _STATE_WIDTH)
        facts = f"{megabytes(s.file.bytes):>8}  {state}  {s.file.licence:12}  {', '.join(s.file.profiles)}"
        print(f"{s.file.name:{width}}  {facts}")
    here, whole = sum(s.file.bytes for s in states if s.is_here), sum(s.file.bytes for s in states)
    print(said("shown.of_all", here=megabytes(here), all=megabytes(whole), folder=store.dir))
    return 0


def _fetch(store: ModelStore, name: str | None, carried: Path | None) -> int:
    name = name or ("" if carried else _DEFAULT_PROFILE)
    paths = store.fetch(name, carried)
    size = megabytes(sum(path.stat().st_size for path in paths))
    key = "shown.checked_of" if name else "shown.checked"
    print(said(key, name=name, files=_count(paths), size=size, folder=store.dir))
    return 0


def _export(store: ModelStore, name: str | None, folder: Path) -> int:
    files = store.export(folder, name)
    size = megabytes(sum(file.bytes for file in files))
    print(said("shown.checked", files=_count(files), size=size, folder=folder))
    print(said("shown.carry", folder=folder.name, readme=folder / README))
    return 0


def _prune(store: ModelStore, name: str | None, *, asks: bool) -> int:
    paths = store.held(name)
    models = [path for path in paths if not path.is_relative_to(store.dir / ".state")]
    if not paths:
        print(said("shown.nothing_to_prune", folder=store.dir))
        return 0
    size = megabytes(sum(path.lstat().st_size for path in paths))
    names = [path.relative_to(store.dir).as_posix() for path in models]
    print(said("shown.to_prune", files=_count(models), size=size, folder=store.dir, names=names))
    if asks:
        confirm_deletion("huiyin models prune --yes")
    store.prune(name)
    print(said("shown.pruned", files=_count(models), size=size))
    return 0


def _verify(store: ModelStore, name: str | None) -> int:
    files = [s.file for s in store.look(name) if name or s.state != "missing"]
    if not files:
        raise CommandError("cli.empty_store", folder=store.dir)
    bad = []
    for file in files:  # one by one: a gigabyte takes a second or more
        (state,) = store.verify(file.name)
        print(
            f"{file.name}{colon()}{said('shown.model_ok' if state.state == 'here' else _WORDS[state.state])}",
            flush=True,
        )
        if state.state != "here":
            bad.append(state)
    if bad:
        raise CommandError("cli.bad_model_files", files=_count(bad), name=name or bad[0].file.name)
    return 0


def _path(store: ModelStore, name: str | None) -> int:
    if name is None:
        print(store.dir)
        return 0
    states = store.verify(name, full=False)
    bad = [f"{s.path}{colon()}{said(_WORDS[s.state])}" for s in states if s.state != "here"]
    if bad:
        raise CommandError("cli.no_model_files", files=bad, name=name)
    if name in store.catalog.profiles:
        print("\n".join(str(s.path) for s in states))
    else:
        print(store.ensure(name))  # here already: the file, or its folder
    return 0


def _convert(store: ModelStore, name: str | None) -> int:
    if name is None or name == "sensevoice":
        folder = store.ensure(_CONVERTED)
    else:
        folder = store.ensure(str(Path(name).expanduser().absolute()))
    # The service's own code, which this program may not import: it runs as the service does, in its own process.
    return subprocess.run(module_command("huiyin.services.asr.sensevoice", str(folder)), check=False).returncode


def _count(files: Sized) -> str:
    return said("shown.one_file" if len(files) == 1 else "shown.files", count=len(files))
