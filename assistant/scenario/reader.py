"""YAML with line numbers, and errors that say what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import said
from huiyin.configs.nearest import nearest

LONGEST_MS = 600_000.0  # of any time in a scenario
_SHOWN = 80  # characters of a text that should be something else
_DEEPEST = 50  # lists and keys within one another; a scenario has five


class ScenarioError(HuiyinError):
    """A scenario that cannot be used. A mistake in a file has its place among the facts: `source` and `line`."""

    exit_status = 2

    @property
    def message(self) -> str:
        """The place, what is wrong and what would be right."""
        place = "{source}:{line}: ".format_map(self.facts) if "source" in self.facts else ""
        return place + super().message


class Node:
    """A place in the file. The methods read it as what it should be, or raise ScenarioError."""

    def __init__(self, node: yaml.Node, source: str, what: str) -> None:
        self._node, self._source, self.what = node, source, what
        self.line: int = node.start_mark.line + 1

    def error(self, key: str, /, **facts: object) -> ScenarioError:
        """An error at this place."""
        return ScenarioError(key, source=self._source, line=self.line, what=self.what, **facts)

    def mapping(self, known: Collection[str], needs: Iterable[str] = ()) -> dict[str, Node]:
        """Its entries by key; the keys must be among `known`, and have those of `needs`."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error("scenario.not_a_mapping", found=self._shown())
        entries: dict[str, Node] = {}
        for key_node, value_node in self._node.value:
            key = str(key_node.value)
            place = Node(key_node, self._source, self.what)
            if known and key not in known:
                raise place.error("scenario.no_key", key=key, near=nearest(key, known), known=list(known))
            if key in entries:
                raise place.error("scenario.key_twice", key=key)
            entries[key] = Node(value_node, self._source, f"`{key}`")
        for key in needs:
            if key not in entries:
                raise self.error("scenario.key_missing", key=key)
        return entries

    def items(self) -> list[Node]:
        """Its entries in order."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("scenario.not_a_list", found=self._shown())
        return [Node(item, self._source, said("scenario.an_entry", of=self.what)) for item in self._node.value]

    def item_or_items(self) -> list[Node]:
        """Its entries, or itself where it is not a list."""
        return self.items() if isinstance(self._node, yaml.SequenceNode) else [self]

    def text(self, *, empty: bool = False) -> str:
        """A text; any scalar will do. `empty`: '' is allowed."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("scenario.not_a_text", found=self._shown())
        value = str(self._node.value).strip()
        if not value and not (empty and self._node.style in ("'", '"')):
            raise self.error("scenario.empty_without_quotes" if empty else "scenario.empty")
        return value

    def text_or_nothing(self) -> str:
        """A text, or '' where the file says so."""
        return self.text(empty=True)

    def texts(self) -> tuple[str, ...]:
        """A list of texts, or a single one."""
        return tuple(item.text() for item in self.item_or_items())

    def number(self, low: float = float("-inf"), high: float = float("inf")) -> float:
        """A number within bounds."""
        text = self.text()
        try:
            value = float(text)
        except ValueError:
            raise self.error("scenario.not_a_number", text=text) from None
        if not low <= value <= high:
            raise self.error("scenario.out_of_range", low=low, high=high, text=text)
        return value

    def whole(self, low: int = 0, high: int = 2**31) -> int:
        """A whole number within bounds."""
        value = self.number(low, high)
        if value != int(value):
            raise self.error("scenario.not_whole", value=value)
        return int(value)

    def count(self) -> int:
        """A whole number from 1 on."""
        return self.whole(1)

    def seconds(self, least_ms: float = 0.0) -> float:
        """A time in seconds; the file has milliseconds."""
        return self.number(least_ms, LONGEST_MS) / 1000

    def flag(self) -> bool:
        """true or false."""
        text = self.text().lower()
        if text not in ("true", "false"):
            raise self.error("scenario.not_true_or_false", text=text)
        return text == "true"

    def plain(self) -> Any:
        """The value as YAML has it: a text, a number, true or false, or a list or mapping of such."""
        return yaml.safe_load(yaml.serialize(self._node))

    def choice(self, choices: Collection[str]) -> str:
        """One of these words."""
        text = self.text()
        if text not in choices:
            raise self.error("scenario.no_choice", text=text, near=nearest(text, choices), choices=list(choices))
        return text

    @property
    def is_text(self) -> bool:
        """Whether it is a plain value, not a list or keys."""
        return isinstance(self._node, yaml.ScalarNode)

    def _shown(self) -> str:
        if isinstance(self._node, yaml.ScalarNode):
            return repr(self._node.value)[:_SHOWN]
        return said("scenario.a_list" if isinstance(self._node, yaml.SequenceNode) else "scenario.a_mapping")


Readers = Mapping[str, Callable[[Node], Any]]
"""Key in the file -> how its value is read."""


def fields(entries: Mapping[str, Node], readers: Readers) -> dict[str, Any]:
    """The values of those entries that have a reader, by field: `within_s` for the key `within_ms`, else as the key."""
    return {re.sub("_ms$", "_s", key): readers[key](node) for key, node in entries.items() if key in readers}


def read_yaml(text: str, source: str) -> Node:
    """The whole of a file. Raises ScenarioError where it is not YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(yaml.parse(text, Loader=loader), source)
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        unquoted = "mapping values" in str(error)
        raise ScenarioError(
            "scenario.unquoted" if unquoted else "scenario.not_yaml", source=source, line=line, problem=error.problem
        ) from None
    except yaml.YAMLError as error:
        raise ScenarioError("scenario.bad_characters", name=source, problem=error) from None
    if node is None:
        raise ScenarioError("scenario.empty_file", name=source)
    return Node(node, source, said("scenario.a_scenario"))


def _check_depth(events: Iterable[yaml.Event], source: str) -> None:
    """Raise ScenarioError for what is nested so deeply that composing it would end the process."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                line = event.start_mark.line + 1
                raise ScenarioError("scenario.too_deep", source=source, line=line, most=_DEEPEST)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def read_file(path: Path) -> Node:
    """A file in UTF-8. Raises ScenarioError."""
    try:
        return read_yaml(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise ScenarioError("scenario.unreadable", path=path, why=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise ScenarioError("scenario.not_utf8", path=path, at=error.start) from error
