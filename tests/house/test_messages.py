"""Errors for people and their words fit together: what is raised stands in the table, and the other way round.

What is read: the text of every file of `assistant`, `services` and `configs`. A *site* is a call of an error class
below `HuiyinError`, or of a helper of `HELPERS`, with a key; its facts are the keyword arguments. A key may also stand
in a mapping or in a call of `messages.text`: any text that looks like one counts as used.
"""

from __future__ import annotations

import ast
import builtins
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from huiyin.configs import errors, messages
from tests.support import ROOT
from tests.support.big_tables import forgotten_afterwards

HELPERS = {
    "error": {"source", "line", "what"},  # assistant/scenario/reader.py
    "refuse": {"name", "value", "why"},  # configs/layers.py
    "_refuse": set(),  # services/llm/engines/tool_requests.py
    "invalid": set(),  # services/llm/checks.py
    "bad_answer": set(),  # services/common/upstreams/trouble.py
    "Message": set(),  # configs/messages
    "wrong": {"path", "server"},  # assistant/tools/servers_file.py
    "said": set(),  # configs/messages
    "Check": set(),  # assistant/faces/cli/checks/check.py
}
"""What makes an error or a message from a key, and what it adds to its facts."""

NOT_FACTS = {"code", "retry_after_s", "allow", "elsewhere", "rest"}
"""What `ApiError`, `UpstreamError` and `SynthesisFailed` keep for themselves."""

KEY = re.compile(r"[a-z]+\.[a-z0-9_]+")


@dataclass(frozen=True)
class Site:
    """Where an error is made: `facts` are the names of what it is given, None where they come as ``**facts``."""

    place: str
    key: str
    facts: frozenset[str] | None


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the house, parsed."""
    paths = chain.from_iterable((ROOT / top).rglob("*.py") for top in ("assistant", "services", "configs"))
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def nodes() -> list[tuple[str, ast.ClassDef | ast.Call]]:
    """(place, node) of every class and every call of the house, but for the calls within a helper."""
    found = []
    for path, tree in trees().items():
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.ClassDef, ast.Call)):
                found.append((f"{path}:{node.lineno}", node))
            if not (isinstance(node, ast.FunctionDef) and node.name in HELPERS):
                waiting.extend(ast.iter_child_nodes(node))
    return found


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    with forgotten_afterwards(trees, nodes):
        yield


@cache
def classes_below(*roots: str) -> frozenset[str]:
    """Names of the classes of the house that derive from one of `roots`."""
    bases = {
        node.name: {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}
        for _, node in nodes()
        if isinstance(node, ast.ClassDef)
    }
    below: set[str] = set()
    while more := {name for name, of in bases.items() if of & {*roots, *below}} - below:
        below |= more
    return frozenset(below)


def calls(names: frozenset[str]) -> Iterator[tuple[str, str, ast.Call]]:
    """(place, name, call) of every call of a function or class of one of these names."""
    for place, node in nodes():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in names:
                yield place, name, node


def keys_within(*parts: ast.AST) -> list[str]:
    """The texts in these parts of a program that look like keys."""
    texts = [node.value for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and KEY.fullmatch(text)]


def keys_of(call: ast.Call) -> list[str]:
    """The keys that stand in its arguments: one, or several that it chooses from; none where it is given a sentence."""
    return [] if any(map(_is_sentence, call.args)) else keys_within(*call.args)


@cache
def sites() -> list[Site]:
    """Every place where an error is made with a key."""
    found = []
    for place, name, call in calls(classes_below("HuiyinError") | HELPERS.keys()):
        names = {word.arg for word in call.keywords}
        facts = None if None in names else frozenset({*names, *HELPERS.get(name, ())} - NOT_FACTS)
        found += [Site(place, key, facts) for key in keys_of(call)]
    return found


@cache
def table() -> dict[str, dict[str, str]]:
    """Key -> columns, of all rooms."""
    return {f"{room}.{name}": row for room in messages.rooms() for name, row in messages.table(room).items()}


def test_every_key_that_is_raised_stands_in_the_table() -> None:
    assert [site for site in sites() if site.key not in table()] == []


def test_every_message_is_used_somewhere() -> None:
    assert table().keys() - set(keys_within(*trees().values())) == set()


def test_what_a_message_tells_is_among_the_facts_wherever_it_is_raised() -> None:
    wrong = []
    for site in sites():
        columns = table().get(site.key, {}).values()
        places = {place for text in columns for _, place, _, _ in string.Formatter().parse(text) if place}
        if site.facts is not None and places - site.facts:
            wrong.append(f"{site.place}: {site.key} wants {sorted(places - site.facts)}")
    assert wrong == []


def test_messages_have_the_columns_there_are() -> None:
    columns = {"en", "hint_en", "zh", "hint_zh"}
    assert [key for key, row in table().items() if "en" not in row or row.keys() - columns] == []


def test_what_the_page_shows_has_both_languages() -> None:
    for name, row in messages.table("doctor").items():
        assert ("zh" in row, "hint_zh" in row) == (True, "hint_en" in row), name


def test_a_sentence_tells_the_same_facts_in_both_languages() -> None:
    def facts(words: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    for key, row in table().items():
        for english, chinese in (("en", "zh"), ("hint_en", "hint_zh")):
            if chinese in row:
                assert facts(row[english]) == facts(row[chinese]), key


def test_errors_for_people_carry_a_key_and_no_sentence() -> None:
    """A class that must be converted is named once; one that is converted can carry no sentence any more."""
    in_tree = classes_below("HuiyinError")
    outside = classes_below(*(name for name, kind in vars(builtins).items() if _is_exception(kind))) - in_tree
    wrong: dict[str, list[str]] = {}
    for place, name, call in calls(in_tree | outside):
        if not keys_of(call) if name in in_tree else any(map(_is_sentence, call.args)):
            wrong.setdefault(name, []).append(place)
    assert wrong == {}


def _is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


def _is_sentence(argument: ast.expr) -> bool:
    return any(
        isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and " " in str(node.value))
        for node in ast.walk(argument)
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("{path!r}: {share:.0%}", "'a.wav': 25%"),
        ("{names}; {names: and }; {names!r}", "x, y; x and y; ['x', 'y']"),
        ("{path}: {error}", "a.wav: broken"),
    ],
)
def test_facts_are_put_into_words(words: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"broken": {"en": "broken"}, "whole": {"en": words, "hint_en": "mend {path}"}}
    monkeypatch.setattr(messages, "table", lambda room: rows)
    facts = {"path": "a.wav", "share": 0.25, "names": ["x", "y"], "error": errors.HuiyinError("room.broken")}
    error = errors.HuiyinError("room.whole", **facts)
    assert str(error) == error.message == text
    assert error.hint == "mend a.wav"


def test_an_error_within_a_sentence_is_in_the_sentences_language() -> None:
    inner = errors.HuiyinError("clients.other_service", name="clock")
    message = messages.Message("doctor.service_failed", port=1, service="asr", why=inner)
    assert str(message) == "port 1: the asr service cannot be used: it answers as 'clock'"
    assert message.text("zh") == "端口 1：asr 服务用不了：它自称 'clock'"
