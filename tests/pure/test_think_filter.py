"""Thoughts never reach the listener, however the reply is cut into pieces."""

import itertools

import pytest

from huiyin.services.common.think import without_thoughts
from huiyin.services.llm.think import ThinkFilter

CASES = [
    ("你好。", "你好。"),
    ("  a\n b ", "  a\n b "),
    ("<think>他很难过。</think>\n\n别担心。", "别担心。"),
    ("<think>\n</think>\n\nHello  there\n", "Hello  there\n"),
    ("<THINK>x</Think>yes", "yes"),
    ("a<think>b<think>c</think>d</think>e", "ae"),
    ("one <think>never closed", "one "),
    ("<think>a</think><think>b</think> ok", "ok"),
    ("no opening tag</think>\nanswer", "no opening taganswer"),
    ("1 < 2 and </b> and <thin", "1 < 2 and </b> and <thin"),
    ("<thinker>stays</thinker>", "<thinker>stays</thinker>"),
    ("a <<think>b</think>c", "a <c"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_thoughts_are_taken_out(text: str, shown: str) -> None:
    assert ThinkFilter().whole(text) == shown


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_it_does_not_matter_where_the_reply_is_cut(text: str, shown: str) -> None:
    for cuts in itertools.combinations(range(len(text) + 1), 2):
        reply = ThinkFilter()
        pieces = [text[a:b] for a, b in itertools.pairwise((0, *cuts, len(text)))]
        assert "".join(map(reply.feed, pieces)) + reply.end() == shown, pieces


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    reply = ThinkFilter()
    assert reply.feed("Hello") == "Hello"
    assert reply.feed(" <") == " "
    assert reply.feed("b>") == "<b>"
    assert reply.idle


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("你好。", "你好。"),
        ("a<think>b</think>c", "ac"),
        ('a<Reasoning depth="2">b</reasoning >c', "ac"),
        ("a<thinking>b<think>c</think>d</thinking>e", "ae"),
        ("one <thought>never closed", "one "),
        ("opened by the prompt</think>\nanswer", "\nanswer"),
        ("a<Think>b</Think >c", "ac"),
        ("a[THINK]b[/THINK]c, [think] as a word", "ac, [think] as a word"),
        ("◁think▷b◁/think▷c", "c"),
        ("<|begin_of_thought|>b<|end_of_thought|><|begin_of_solution|>c<|end_of_solution|>", "c"),
        ("<|channel|>analysis<|message|>b<|end|><|start|>assistant<|channel|>final<|message|>c", "c"),
        ("<|start|>assistant<|channel|>commentary to=f<|message|>{}<|call|>", ""),
        ("<thinker>stays</thinker>, 1 < 2", "<thinker>stays</thinker>, 1 < 2"),
    ],
)
def test_thoughts_in_any_tag_are_taken_out_of_a_whole_text(text: str, shown: str) -> None:
    assert without_thoughts(text) == shown
