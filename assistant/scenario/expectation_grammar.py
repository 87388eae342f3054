"""How `expect:` and `after:` are read; `grammar` explains what they mean."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.moments import LATER_CLAUSE, NAMES
from huiyin.assistant.scenario.reader import Node, Readers, fields
from huiyin.assistant.scenario.tool_grammar import read_arguments
from huiyin.configs.messages import said
from huiyin.configs.nearest import nearest

_WHEN = re.compile(r"^(?P<moment>.+?)(?:\s*\+\s*(?P<delay>\d+(?:\.\d+)?\s*m?s))?$")
_LATER = re.compile(rf"{LATER_CLAUSE}[2-9]\d* starts")
_BOUND = re.compile(r"^(?P<name>.+?)\s*(?P<operator><=|>=|==|<|>)\s*(?P<value>-?\d+(?:\.\d+)?)$")
_KINDS = (
    "event", "absent", "heard", "said", "means", "asked", "prompt", "called", "not_called", "history", "spoken",
    "loudspeaker", "metric",
)  # fmt: skip


def read_when(node: Node) -> script.When:
    """'reply starts + 300 ms'."""
    match = _WHEN.match(node.text())
    assert match  # it has a letter
    if any(sign in match["moment"] for sign in "+-"):
        raise node.error("scenario.not_a_time", text=node.text())
    delay_s = script.seconds(match["delay"]) if match["delay"] else 0.0
    return script.When(_moment_name(match["moment"], node), delay_s)


def read_expectations(node: Node) -> tuple[script.Expectation, ...]:
    """The list under `expect:`, or a single expectation."""
    return tuple(_expectation(item) for item in node.item_or_items())


def _expectation(node: Node) -> script.Expectation:
    node.what = said("scenario.an_expectation")
    keys = node.mapping((*_KINDS, "since", "within_ms", "not_before_ms", "times", "for_ms", "arguments", "depth"))
    depth = keys.pop("depth", None)
    expectation = _of_its_kind(node, keys)
    if depth is None:
        return expectation
    return replace(expectation, depth=depth.choice(("text", "room")))  # type: ignore[arg-type]  # it is one of them


def _of_its_kind(node: Node, keys: dict[str, Node]) -> script.Expectation:
    kinds = [kind for kind in _KINDS if kind in keys]
    if not kinds:
        raise node.error("scenario.expectation_of_no_kind", known=_KINDS)
    if len(kinds) > 1:
        raise node.error("scenario.expectation_of_many_kinds", known=_KINDS, kinds=kinds)
    kind = kinds[0]
    readers = _OPTIONS.get(kind, {})
    value = keys.pop(kind)
    for key in keys:
        if key not in readers:
            options = list(readers) or [said("scenario.nothing_else")]
            raise keys[key].error("scenario.unfit_option", key=key, kind=kind, options=options)
    values = fields(keys, readers)
    if kind == "event":
        if values.get("within_s", float("inf")) < values.get("not_before_s", 0.0):
            raise keys["within_ms"].error("scenario.most_below_least")
        return script.Happens(node.line, _moment(value), **values)
    if kind == "absent":
        return script.Absent(node.line, _moment(value), **values)
    if kind == "called":
        return script.Calls(node.line, value.text(), **values)
    if kind == "not_called":
        return script.Calls(node.line, value.text(), times=0)
    if kind == "means":
        return script.Meaning(node.line, value.text())
    if kind == "history":
        return script.Remembers(node.line, tuple(_history_turn(item) for item in value.items()))
    if kind == "spoken":
        return script.Spoken(node.line, value.mapping(("style",), needs=["style"])["style"].choice(get_args(Style)))
    if kind == "loudspeaker":
        return _loudness(node.line, value, values)
    if kind == "metric":
        return _bound(node.line, value)
    return script.Says(node.line, kind, _words(value))  # type: ignore[arg-type]  # the kinds that are left


def _loudness(line: int, node: Node, values: dict[str, Any]) -> script.Loudness:
    bounds = node.mapping(("above_dbfs", "below_dbfs"))
    if not bounds:
        raise node.error("scenario.no_loudness_bound")
    if "since" not in values:
        raise node.error("scenario.no_loudness_moment")
    values |= {key: bound.number(-120, 0) for key, bound in bounds.items()}
    return script.Loudness(line, **values)


def _bound(line: int, node: Node) -> script.Bound:
    match = _BOUND.match(node.text())
    if not match:
        raise node.error("scenario.not_a_metric_bound")
    name = match["name"]
    if name not in METRICS:
        raise node.error("scenario.no_metric", name=name, near=nearest(name, METRICS), names=list(METRICS))
    return script.Bound(line, name, match["operator"], float(match["value"]))  # type: ignore[arg-type]


def _history_turn(node: Node) -> script.HistoryTurn:
    return script.HistoryTurn(**fields(node.mapping(_HISTORY_TURN, needs=("user", "assistant")), _HISTORY_TURN))


def _words(node: Node) -> script.Words:
    if node.is_text:
        return script.Words(exactly=node.text_or_nothing())
    keys = node.mapping(_WORDS)
    if not keys:
        raise node.error("scenario.no_words")
    return script.Words(**fields(keys, _WORDS))


def _moment(node: Node) -> str:
    return _moment_name(node.text(), node)


def _moment_name(name: str, node: Node) -> str:
    if name in NAMES or _LATER.fullmatch(name):
        return name
    raise node.error("scenario.no_moment", name=name, near=nearest(name, NAMES), names=list(NAMES))


_OPTIONS: dict[str, Readers] = {
    "event": {"since": _moment, "within_ms": Node.seconds, "not_before_ms": Node.seconds, "times": Node.count},
    "absent": {"since": _moment, "within_ms": Node.seconds},
    "called": {"arguments": read_arguments, "times": Node.count},
    "loudspeaker": {"since": read_when, "for_ms": Node.seconds},
}
_HISTORY_TURN: Readers = {"user": _words, "assistant": _words, "interrupted": Node.flag}
_WORDS: Readers = {"contains": Node.texts, "without": Node.texts, "begins": Node.text}
