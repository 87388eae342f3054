"""What holds for every test."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from huiyin.assistant.turns.machine import TurnMachine
from huiyin.assistant.turns.transitions import Transition
from huiyin.configs.choice import record
from huiyin.configs.files import cache_folder
from huiyin.configs.settings import load
from huiyin.services.common import live_work

# The models of a test are those of the default profile, whatever was chosen for the machine that it runs on: in the
# programs that tests start by this variable, in this process by `nothing_was_chosen`.
os.environ["HUIYIN_STORE_CHOOSE"] = "false"
os.environ["HUIYIN_LANG"] = "en"  # whatever language the developer's system speaks

# As in `huiyin.services.__main__`, for models that run in the tests' own processes: three of these share the cores, and
# threads that spin while they wait keep each other from working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

# What the programs keep for the user (sessions, voices, prepared sentences, tools) goes into folders of this test run:
# stand-ins once left their tones there, and the assistant apologised in beeps. Models are used where they are.
_KEPT = tempfile.TemporaryDirectory(prefix="huiyin-tests-")
_MODELS = load(environ={}).store.path
os.environ.setdefault("PIP_CACHE_DIR", str(cache_folder().parent / "pip"))
for _kind in ("CACHE", "CONFIG", "DATA"):
    os.environ[f"XDG_{_kind}_HOME"] = str(Path(_KEPT.name) / _kind.lower())
if Path(_KEPT.name) in cache_folder().parents:  # not on macOS and Windows, which have other variables
    cache_folder().mkdir(parents=True)
    _MODELS.mkdir(parents=True, exist_ok=True)
    (cache_folder() / "models").symlink_to(_MODELS)

# Random tests try the same examples each time, unless told otherwise: `--hypothesis-profile long`.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=150, stateful_step_count=50)
settings.register_profile("long", deadline=None, max_examples=20_000, stateful_step_count=60)
settings.load_profile("same")


_OF_THEIR_OWN = ("browser", "clients", "fuzz", "offline", "ray", "release", "soak")
"""Groups that take minutes, each with a command of its own."""


@pytest.hookimpl(tryfirst=True)  # before pytest looks which of them are wanted
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever takes minutes is slow, so that the rest does not.

    Where several workers run the tests, files with slow ones come first: at the end one worker would be left alone
    with a long one. (With `--no-loadscope-reorder`: xdist's own order is by the number of tests, slow files have few.)
    """
    for item in items:
        if any(item.get_closest_marker(name) for name in _OF_THEIR_OWN):
            item.add_marker("slow")
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_collection() -> None:
    """What collecting makes stays to the end: there is no garbage in it to look for, again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is looked for in what the tests make; not often, as some of them make a million objects."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def programs_can_be_ended() -> Iterator[None]:
    """The programs that tests start obey Ctrl-C and hang-up, also when the tests were started by `nohup` or with `&`.

    Those have the signals ignored, and whatever is started inherits that; a handler is not inherited. The tests
    themselves go on ignoring the signals, by a handler that does nothing.
    """
    ignored = [s for s in signal.Signals if s.name in ("SIGINT", "SIGHUP") and signal.getsignal(s) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session", autouse=True)
def nothing_was_chosen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The record in the user's own store is neither read nor written; the models there are used."""
    named = {name: value for name, value in os.environ.items() if name == "HUIYIN_STORE_DIR"}
    own, elsewhere = {load(environ=each).store.path for each in ({}, named)}, tmp_path_factory.mktemp("state")
    place = record.record_path

    def record_path(store: Path) -> Path:
        return place(elsewhere if store in own else store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "record_path", record_path)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_jobs_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No service under test goes on with recordings of the developer's, or leaves some there."""
    os.environ["HUIYIN_JOBS_DIR"] = str(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module", autouse=True)
def no_sentences_of_other_voices() -> None:
    """What one file's stand-in for the voice has prepared is not spoken in the next file, which may have a real one."""
    if Path(_KEPT.name) in cache_folder().parents:
        shutil.rmtree(cache_folder() / "prepared", ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def nobody_talks_elsewhere() -> Iterator[None]:
    """Recordings do not wait for those who talk in another file's tests, or to the developer's own assistant: all of
    them have the recogniser's usual port, by which they know each other. Not in programs that they start."""
    folder = Path(tempfile.mkdtemp(dir=_KEPT.name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_work, "_folder", lambda: folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def turn_machines_obey_their_table() -> Iterator[None]:
    """Every change of state that a turn machine makes, in whatever test, is one that its table names."""
    take = TurnMachine._step

    def checked(machine: TurnMachine, transition: Transition, what: object) -> None:
        before = machine.state
        take(machine, transition, what)
        named = (before, *transition.to)
        assert machine.state in named, (
            f"{before} → {machine.state} by {transition.handler.__name__} is not in the table"
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TurnMachine, "_step", checked)
        yield
