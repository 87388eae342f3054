"""YAML with line numbers, and errors that say what would be right."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import yaml

from huiyin.configs.nearest import nearest


class ScenarioError(ValueError):
    """A scenario that cannot be used. The message names file and line, what is wrong and what would be right."""


class Node:
    """A place in the file. The methods read it as what it should be, or raise ScenarioError."""

    def __init__(self, node: yaml.Node, source: str, what: str) -> None:
        self._node, self._source, self.what = node, source, what
        self.line: int = node.start_mark.line + 1

    def error(self, message: str) -> ScenarioError:
        """An error at this place."""
        return ScenarioError(f"{self._source}:{self.line}: {message}")

    def mapping(self, known: Collection[str], needs: Iterable[str] = ()) -> dict[str, Node]:
        """Its entries by key; the keys must be among `known`, and have those of `needs`."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error(f"{self.what} should have `key: value` lines, and is {self._shown()}")
        entries: dict[str, Node] = {}
        for key_node, value_node in self._node.value:
            key = str(key_node.value)
            place = Node(key_node, self._source, self.what)
            if known and key not in known:
                raise place.error(f"{self.what} has no key {key!r}{nearest(key, known)}; it may have: {_list(known)}")
            if key in entries:
                raise place.error(f"{self.what} has {key!r} twice")
            entries[key] = Node(value_node, self._source, f"`{key}`")
        for key in needs:
            if key not in entries:
                raise self.error(f"{self.what} needs `{key}`")
        return entries

    def items(self) -> list[Node]:
        """Its entries in order."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error(f"{self.what} should be a list (lines that begin with `- `), not {self._shown()}")
        return [Node(item, self._source, f"an entry of {self.what}") for item in self._node.value]

    def item_or_items(self) -> list[Node]:
        """A list, or a single thing that stands for a list of one."""
        return self.items() if isinstance(self._node, yaml.SequenceNode) else [self]

    def text(self, *, empty: bool = False) -> str:
        """A text; any scalar will do. `empty`: '' is allowed."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error(f"{self.what} should be a text, not {self._shown()}")
        value = str(self._node.value).strip()
        if not value and not (empty and self._node.style in ("'", '"')):
            raise self.error(f"{self.what} is empty" + ("; write '' where that is meant" if empty else ""))
        return value

    def number(self, low: float = float("-inf"), high: float = float("inf")) -> float:
        """A number within bounds."""
        text = self.text()
        try:
            value = float(text)
        except ValueError:
            raise self.error(f"{self.what} should be a number, not {text!r}") from None
        if not low <= value <= high:
            raise self.error(f"{self.what} should be between {low:g} and {high:g}, not {text}")
        return value

    def whole(self, low: int = 0, high: int = 2**31) -> int:
        """A whole number within bounds."""
        value = self.number(low, high)
        if value != int(value):
            raise self.error(f"{self.what} should be a whole number, not {value:g}")
        return int(value)

    def flag(self) -> bool:
        """true or false."""
        text = self.text().lower()
        if text not in ("true", "false"):
            raise self.error(f"{self.what} should be true or false, not {text!r}")
        return text == "true"

    def choice(self, choices: Collection[str]) -> str:
        """One of these words."""
        text = self.text()
        if text not in choices:
            raise self.error(f"{self.what} cannot be {text!r}{nearest(text, choices)}; it can be: {_list(choices)}")
        return text

    @property
    def is_text(self) -> bool:
        """Whether it is a plain value, not a list or keys."""
        return isinstance(self._node, yaml.ScalarNode)

    def _shown(self) -> str:
        if isinstance(self._node, yaml.ScalarNode):
            return repr(self._node.value)
        return "a list" if isinstance(self._node, yaml.SequenceNode) else "`key: value` lines"


def read_yaml(text: str, source: str) -> Node:
    """The whole of a file. Raises ScenarioError where it is not YAML."""
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = " (a text with `: ` or `#` in it wants quotes around it)" if "mapping values" in str(error) else ""
        raise ScenarioError(f"{source}:{line}: this is not YAML: {error.problem}{hint}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{source}: this is not YAML: {error}") from None
    if node is None:
        raise ScenarioError(f"{source}: the file is empty")
    return Node(node, source, "a scenario")


def read_file(path: Path) -> Node:
    """A file in UTF-8. Raises ScenarioError."""
    try:
        return read_yaml(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _list(words: Collection[str]) -> str:
    return ", ".join(words)
