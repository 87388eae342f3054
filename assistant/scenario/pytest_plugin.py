"""pytest collects scenarios: in a folder named `conversations` every YAML file with the line ``huiyin: scenario`` is a
test, one for each of its depths. A file that cannot be read as a scenario is one failing test.

With `--huiyin-agent AGENT` they are played to an agent instead, in real time; a test that is marked
``@pytest.mark.agent("ws://…")`` plays what it likes by its fixture `agent` (docs/agents.md).

Loaded by the entry point `pytest11` where Huiyin is installed, also in projects that have nothing to do with it: other
YAML files are left alone. Scenarios at room and live depth are marked `slow`, and
skipped on a machine that lacks what a room needs, or where the services do not run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from huiyin.assistant.scenario.mark import is_marked, looks_like_scenario

if TYPE_CHECKING:
    from huiyin.assistant.scenario.result import Result
    from huiyin.assistant.scenario.script import Depth, Scenario

FOLDER = "conversations"
_AGENT = "--huiyin-agent"
_UNMARKED = pytest.StashKey[set[str]]()  # files that were scenarios before 0.2, when the line was not needed


class ConversationFailed(Exception):
    """An expectation was not met, or the file cannot be read; the message is the report."""


class ConversationFile(pytest.File):
    """A scenario."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each depth; one that fails where the file cannot be read."""
        # Not before they are needed: every run of pytest imports this module.
        from huiyin.assistant.scenario.api import ScenarioError, read

        try:
            scenario = read(self.path)
        except ScenarioError as error:
            test = partial(_fail, str(error))
            yield ConversationItem.from_parent(self, name="grammar", title=self.path.stem, test=test)
            return
        if agent := self.config.getoption(_AGENT, ""):
            title = f"{scenario.name} [agent]: {scenario.about}"
            test = partial(_play_to, scenario, agent)
            yield ConversationItem.from_parent(self, name="agent", title=title, test=test)
            return
        for depth in scenario.depths:
            title = f"{scenario.name} [{depth}]: {scenario.about}"
            item = ConversationItem.from_parent(self, name=depth, title=title, test=partial(_play, scenario, depth))
            if depth != "text":
                item.add_marker("slow")
            yield item


class ConversationItem(pytest.Item):
    """A scenario at one depth, or a file that cannot be read as a scenario."""

    def __init__(self, *, title: str, test: Callable[[], None], **options: Any) -> None:
        """`test` raises ConversationFailed."""
        super().__init__(**options)
        self._title = title
        self._test = test

    def runtest(self) -> None:
        """Play it."""
        self._test()

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Its place and its title."""
        return self.path, 0, self._title

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report, without the plugin's own lines."""
        if isinstance(excinfo.value, ConversationFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


def _fail(problem: str) -> None:
    raise ConversationFailed(problem)


def _play(scenario: Scenario, depth: Depth) -> None:
    from huiyin.assistant.scenario.api import NotPlayable, simulate
    from huiyin.assistant.scenario.room_depth import RoomMissing

    if depth == "live" and (absent := _absent_services()):
        pytest.skip(f"not running: {', '.join(absent)}; start them with `huiyin serve`")
    try:
        result = simulate(scenario, depth)
    except (NotPlayable, RoomMissing) as error:
        pytest.skip(str(error))
    if not result.passed:
        raise ConversationFailed(result.report())


def _play_to(scenario: Scenario, agent: str) -> None:
    from huiyin.assistant.scenario.api import NotPlayable

    if scenario.depths == ("text",):
        pytest.skip("it has no sound that an agent could hear")
    try:
        result = AgentUnderTest(agent).play(scenario)
    except NotPlayable as error:
        pytest.skip(str(error))
    if not result.passed:
        raise ConversationFailed(result.report())


class AgentUnderTest:
    """The agent that a test is about."""

    def __init__(self, agent: str) -> None:
        """`agent`: as after `--against` on the command line, or a bare ws://…, a Realtime server.

        A Realtime or Live server's key is in the environment variable HUIYIN_WEB_KEY. Raises AgentError.
        """
        from huiyin.assistant.scenario.agents.targets import target_of

        self._target = replace(target_of(agent), key=os.environ.get("HUIYIN_WEB_KEY", ""))

    def play(self, scenario: Scenario | Path | str | dict[str, Any], seed: int | None = None) -> Result:
        """Play a scenario, its file, or what would stand in one, in real time.

        Raises ScenarioError, also where a reply is to be judged and no judge answers, AgentError, and ServiceError
        where another service is needed that does not run.
        """
        from huiyin.assistant.scenario.agents.targets import play
        from huiyin.assistant.scenario.api import parse, read

        if isinstance(scenario, (str, Path)):
            scenario = read(scenario)
        elif isinstance(scenario, dict):
            scenario = parse(scenario)
        return play(scenario, self._target, seed)


@pytest.fixture
def agent(request: pytest.FixtureRequest) -> AgentUnderTest:
    """The agent that the test's marker names, else the one of the command line."""
    marker = request.node.get_closest_marker("agent")
    named = marker.args[0] if marker else request.config.getoption(_AGENT, "")
    if not named:
        pytest.skip("no agent: mark the test with @pytest.mark.agent('ws://…'), or give --huiyin-agent")
    return AgentUnderTest(named)


def _absent_services() -> list[str]:
    from huiyin.assistant.clients.readiness import look
    from huiyin.assistant.clients.services import NAMES, Services
    from huiyin.configs.settings import load

    services = Services(load())
    return [name for name in NAMES if look(services, name).kind != "ready"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which agent conversations are played to."""
    what = "play conversations to this agent: command:PROGRAM, pipecat:ws://HOST:PORT, realtime:ws://HOST:PORT"
    parser.getgroup("huiyin").addoption(_AGENT, metavar="AGENT", default="", help=what)


def pytest_configure(config: pytest.Config) -> None:
    """Projects that do not know the markers get them."""
    config.addinivalue_line("markers", "slow: a conversation played in sound")
    config.addinivalue_line("markers", "agent(target): the agent that the fixture `agent` plays conversations to")
    config.stash[_UNMARKED] = set()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the marked YAML files of the folder."""
    if file_path.suffix not in (".yaml", ".yml") or file_path.parent.name != FOLDER:
        return None
    try:
        content = file_path.read_bytes()
    except OSError:  # it may be another project's
        return None
    if is_marked(content):
        return ConversationFile.from_parent(parent, path=file_path)  # type: ignore[no-any-return]
    if looks_like_scenario(content):
        parent.config.stash[_UNMARKED].add(str(file_path))
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist reports to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["huiyin_unmarked"] = [*session.config.stash[_UNMARKED]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the report of a worker; one that crashed has none."""
    files: list[str] = getattr(node, "workeroutput", {}).get("huiyin_unmarked", [])
    node.config.stash[_UNMARKED].update(files)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Until 0.3: name the files that were tests before the line was needed."""
    if count := len(terminalreporter.config.stash[_UNMARKED]):
        terminalreporter.write_line(
            f"huiyin: YAML files that look like scenarios but were not collected: {count}; "
            "to make a test of a file, add the line `huiyin: scenario` to it"
        )
