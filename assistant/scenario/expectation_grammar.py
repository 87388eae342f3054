"""How `expect:` and `after:` are read. What they mean stands in `grammar`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.moments import LATER_CLAUSE, NAMES
from huiyin.assistant.scenario.reader import Node
from huiyin.configs.nearest import nearest

_WHEN = re.compile(r"^(?P<moment>.+?)(?:\s*\+\s*(?P<delay>\d+(?:\.\d+)?\s*m?s))?$")
_LATER = re.compile(rf"{LATER_CLAUSE}[2-9]\d* starts")
_BOUND = re.compile(r"^(?P<name>.+?)\s*(?P<operator><=|>=|==|<|>)\s*(?P<value>-?\d+(?:\.\d+)?)$")
_LONGEST_MS = 600_000.0
_KINDS = ("event", "absent", "heard", "said", "asked", "prompt", "history", "spoken", "loudspeaker", "metric")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "event": ("since", "within_ms", "not_before_ms", "times"),
    "absent": ("since", "within_ms"),
    "loudspeaker": ("since", "for_ms"),
}


def read_when(node: Node) -> script.When:
    """'reply starts + 300 ms'."""
    match = _WHEN.match(node.text())
    assert match  # it has a letter
    if any(sign in match["moment"] for sign in "+-"):
        raise node.error("scenario.not_a_time", text=node.text())
    delay_s = script.seconds(match["delay"]) if match["delay"] else 0.0
    return script.When(_moment_name(match["moment"], node), delay_s)


def read_expectations(node: Node) -> tuple[script.Expectation, ...]:
    """The list under `expect:`; one alone may stand without its dash."""
    return tuple(_expectation(item) for item in node.item_or_items())


def _expectation(node: Node) -> script.Expectation:
    node.what = "an expectation"
    keys = node.mapping((*_KINDS, "since", "within_ms", "not_before_ms", "times", "for_ms"))
    kinds = [kind for kind in _KINDS if kind in keys]
    if not kinds:
        raise node.error("scenario.expectation_of_no_kind", known=_KINDS)
    if len(kinds) > 1:
        raise node.error("scenario.expectation_of_many_kinds", known=_KINDS, kinds=str(kinds))
    kind = kinds[0]
    for key in keys:
        if key != kind and key not in _OPTIONS.get(kind, ()):
            options = _OPTIONS.get(kind, ("nothing else",))
            raise keys[key].error("scenario.unfit_option", key=key, kind=kind, options=options)
    value = keys[kind]
    if kind == "event":
        return _happens(node.line, value, keys)
    if kind == "absent":
        return script.Absent(node.line, _moment(value), _since(keys), _seconds(keys, "within_ms"))
    if kind == "history":
        return script.Remembers(node.line, tuple(_history_turn(item) for item in value.items()))
    if kind == "spoken":
        return script.Spoken(node.line, value.mapping(("style",), needs=["style"])["style"].choice(get_args(Style)))
    if kind == "loudspeaker":
        return _loudness(node.line, value, keys)
    if kind == "metric":
        return _bound(node.line, value)
    return script.Says(node.line, kind, _words(value))  # type: ignore[arg-type]  # the kinds that are left


def _happens(line: int, value: Node, keys: Mapping[str, Node]) -> script.Happens:
    least_s, most_s = _seconds(keys, "not_before_ms") or 0.0, _seconds(keys, "within_ms")
    if most_s is not None and most_s < least_s:
        raise keys["within_ms"].error("scenario.most_below_least")
    times = keys["times"].whole(1) if "times" in keys else None
    return script.Happens(line, _moment(value), _since(keys), least_s, most_s, times)


def _loudness(line: int, value: Node, keys: Mapping[str, Node]) -> script.Loudness:
    bounds = {key: node.number(-120, 0) for key, node in value.mapping(("above_dbfs", "below_dbfs")).items()}
    if not bounds:
        raise value.error("scenario.no_loudness_bound")
    if "since" not in keys:
        raise value.error("scenario.no_loudness_moment")
    since = read_when(keys["since"])
    return script.Loudness(line, since.moment, since.delay_s, _seconds(keys, "for_ms") or 0.2, **bounds)


def _bound(line: int, node: Node) -> script.Bound:
    match = _BOUND.match(node.text())
    if not match:
        raise node.error("scenario.not_a_metric_bound")
    if match["name"] not in METRICS:
        name = match["name"]
        raise node.error("scenario.no_metric", name=name, near=nearest(name, METRICS), names=list(METRICS))
    return script.Bound(line, match["name"], match["operator"], float(match["value"]))  # type: ignore[arg-type]


def _history_turn(node: Node) -> script.HistoryTurn:
    keys = node.mapping(("user", "assistant", "interrupted"), needs=["user", "assistant"])
    interrupted = keys["interrupted"].flag() if "interrupted" in keys else None
    return script.HistoryTurn(_words(keys["user"]), _words(keys["assistant"]), interrupted)


def _words(node: Node) -> script.Words:
    if node.is_text:
        return script.Words(exactly=node.text(empty=True))
    keys = node.mapping(("contains", "without", "begins"))
    if not keys:
        raise node.error("scenario.no_words")
    contains, without = (
        tuple(item.text() for item in keys[key].item_or_items()) if key in keys else ()
        for key in ("contains", "without")
    )
    begins = keys["begins"].text() if "begins" in keys else None
    return script.Words(contains=contains, without=without, begins=begins)


def _seconds(keys: Mapping[str, Node], key: str) -> float | None:
    return keys[key].number(0, _LONGEST_MS) / 1000 if key in keys else None


def _since(keys: Mapping[str, Node]) -> str | None:
    return _moment(keys["since"]) if "since" in keys else None


def _moment(node: Node) -> str:
    return _moment_name(node.text(), node)


def _moment_name(name: str, node: Node) -> str:
    if name in NAMES or _LATER.fullmatch(name):
        return name
    raise node.error("scenario.no_moment", name=name, near=nearest(name, NAMES), names=list(NAMES))
