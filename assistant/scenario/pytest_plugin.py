"""pytest collects scenarios: every YAML file in a folder named `conversations` is a test, one for each of its depths.

Loaded by the entry point `pytest11` where Huiyin is installed. Scenarios at room and live depth are marked `slow`, and
skipped on a machine that lacks what a room needs, or where the services do not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from huiyin.assistant.scenario.script import Depth, Scenario

FOLDER = "conversations"


class ConversationFailed(Exception):
    """An expectation was not met; the message is the report."""


class ConversationFile(pytest.File):
    """A scenario."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each depth."""
        # Not before they are needed: every run of pytest imports this module.
        from huiyin.assistant.scenario.api import ScenarioError, read

        try:
            scenario = read(self.path)
        except ScenarioError as error:
            raise self.CollectError(str(error)) from None
        for depth in scenario.depths:
            item = ConversationItem.from_parent(self, name=depth, scenario=scenario, depth=depth)
            if depth != "text":
                item.add_marker("slow")
            yield item


class ConversationItem(pytest.Item):
    """A scenario at one depth."""

    def __init__(self, *, scenario: Scenario, depth: Depth, **options: Any) -> None:
        super().__init__(**options)
        self._scenario, self._depth = scenario, depth

    def runtest(self) -> None:
        """Play it."""
        from huiyin.assistant.scenario.api import simulate
        from huiyin.assistant.scenario.room_depth import RoomMissing

        if self._depth == "live" and (absent := _absent_services()):
            pytest.skip(f"not running: {', '.join(absent)}; start them with `huiyin serve`")
        try:
            result = simulate(self._scenario, self._depth)
        except RoomMissing as error:
            pytest.skip(str(error))
        if not result.passed:
            raise ConversationFailed(result.report())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report, without the plugin's own lines."""
        if isinstance(excinfo.value, ConversationFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands, and what it is called."""
        return self.path, 0, f"{self._scenario.name} [{self._depth}]: {self._scenario.about}"


def _absent_services() -> list[str]:
    from huiyin.assistant.clients.readiness import look
    from huiyin.assistant.clients.services import NAMES, Services
    from huiyin.configs.settings import load

    services = Services(load())
    return [name for name in NAMES if look(services, name).kind != "ready"]


def pytest_configure(config: pytest.Config) -> None:
    """Projects that do not know the marker get it."""
    config.addinivalue_line("markers", "slow: a conversation played in sound")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the YAML files of the folder."""
    if file_path.suffix in (".yaml", ".yml") and file_path.parent.name == FOLDER:
        return ConversationFile.from_parent(parent, path=file_path)  # type: ignore[no-any-return]
    return None
