"""Thoughts never reach the listener, in whatever tag, and however the reply is cut into pieces."""

import itertools

import pytest

from huiyin.services.common.think import ThoughtFilter, without_thoughts

CASES = [
    ("你好。", "你好。"),
    ("  a\n b ", "  a\n b "),
    ("<think>他很难过。</think>\n\n别担心。", "别担心。"),
    ("<think>\n</think>\n\nHello  there\n", "Hello  there\n"),
    ("<THINK>x</Think>yes", "yes"),
    ("a<think>b<think>c</think>d</think>e", "ae"),
    ("<think>\n<think>b</think>c", "c"),
    ("one <think>never closed", "one "),
    ("<think>a</think><think>b</think> ok", "ok"),
    ("one<think>a</think> two <think>b</think> three", "one two three"),
    ("1 < 2 and </b> and <thin", "1 < 2 and </b> and <thin"),
    ("<thinker>stays</thinker>, a [link](b), x[0], [OK]", "<thinker>stays</thinker>, a [link](b), x[0], [OK]"),
    ("a <data_analysis> field, <afterthought>", "a <data_analysis> field, <afterthought>"),
    ("a <<think>b</think>c", "a <c"),
    ('a<Reasoning depth="[2">b</reasoning >c', "ac"),
    ("a<thinking>b<think>c</think>d</thinking>e", "ae"),
    ("a<Think>b</ Think >c", "ac"),
    ("a<think>b</thinking>c", "ac"),
    ("<seed:think>b</seed:think><inner_monologue>b</inner_monologue>c", "c"),
    ("a[THINK]b[/THINK]c, [think] as a word", "ac, [think] as a word"),
    ("◁think▷b◁/think▷c", "c"),
    ("<|begin_of_thought|>b<|end_of_thought|><|begin_of_solution|>c<|end_of_solution|>", "c"),
    ("<|thinking_start|>b<|thinking_end|>c<｜end▁of▁sentence｜>", "c"),
    ("<|channel|>analysis<|message|>b<|end|><|start|>assistant<|channel|>final<|message|>c", "c"),
    ("<|channel|>final<|constrain|>json<|message|>c", "c"),
    ("<|start|>assistant<|channel|>commentary to=f<|message|>{}<|call|>", ""),
    ("<think/>a<think />b", "ab"),
    ("＜think＞b＜/think＞c", "c"),
    ("<thought_process>b</thought_process><scratch_pad>b</scratch_pad>c", "c"),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nc<|eot_id|>", "c"),
    ("<|zh|><|HAPPY|>c", "c"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_thoughts_are_taken_out(text: str, shown: str) -> None:
    assert without_thoughts(text) == shown


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_it_does_not_matter_where_the_reply_is_cut(text: str, shown: str) -> None:
    for cuts in itertools.combinations(range(len(text) + 1), 2):
        reply = ThoughtFilter()
        pieces = [text[a:b] for a, b in itertools.pairwise((0, *cuts, len(text)))]
        assert "".join(map(reply.feed, pieces)) + reply.end() == shown, pieces


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    reply = ThoughtFilter()
    assert reply.feed("Hello") == "Hello"
    assert reply.feed(" <") == " "
    assert reply.feed("b>") == "<b>"
    assert reply.idle


@pytest.mark.parametrize("text", ["He is sad.</think>\nCheer up!", "Sad.<|end_of_thought|> Cheer up!"])
def test_a_thought_that_the_prompt_opened_is_hidden_in_whole_replies_and_its_end_in_streams(text: str) -> None:
    assert without_thoughts(text) == "Cheer up!"
    assert ThoughtFilter().feed(text).split() == [*text.partition("<")[0].split(), "Cheer", "up!"]
