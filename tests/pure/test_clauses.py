"""Clauses of everyday replies, what is hidden from them, and the command that prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from huiyin.assistant.dialogue.clause_stream import ClauseStream, LimitReached
from huiyin.assistant.dialogue.clauses import ClauseSplitter, main, split
from huiyin.services.common.think import ThoughtFilter
from tests.support import DATA

# Cut by the splitter that looked at all of the text again for each character, before it was made to read it once.
REPLIES = (DATA / "clauses.tsv").read_text("utf-8").splitlines()[1:]


@pytest.mark.parametrize("row", REPLIES, ids=[row.partition("\t")[0] for row in REPLIES])
def test_everyday_replies(row: str) -> None:
    _, text, clauses = row.replace("\\n", "\n").split("\t")
    assert " | ".join(split(text)) == clauses


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        # a thought stays hidden whatever it holds
        ("<think>I try:\n```py\nx = 1\n```\nNo.</think>Yes, of course.", ["Yes, of course."]),
        ("<think>a <b>bold</b> thought</thinking> goes on</think>Yes.", ["Yes."]),
        ("<think>```", []),
        ("好的。</think>再见。", ["好的。", "再见。"]),
        ("如果x<y，那么<|NEUTRAL|>y>x。", ["如果x<y，那么y>x。"]),
        ("It is <thin", ["It is <thin"]),
        # spans are whole to their last character
        ("即 $$f(x, y) = x. y$$ 而已，对吧。", ["即 $$f(x, y) = x. y$$ 而已，", "对吧。"]),
        ("Run [`a, b`](c.md), then stop.", ["Run [`a, b`](c.md),", "then stop."]),
        # a sign that begins no span does not change the text after it
        ("I have $HOME, and `PATH, and 《it, all.\nRight?", ["I have $HOME,", "and `PATH, and 《it,", "all.\nRight?"]),
        # code
        ("````\na\n````", ["````\na\n```"]),
        ("``````", ["``````"]),
    ],
)
def test_what_is_hidden_or_whole(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses


def test_a_thought_does_not_hold_back_what_is_whole_before_it() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It is a tall tower, with a light, <think>more?") == ["It is a tall tower,"]
    assert splitter.hurry() == ["with a light,"]


def test_a_text_that_no_character_decides_is_cut_all_the_same() -> None:
    text = "“" + "一，" * 1000
    clauses = split(text)
    assert "".join(clauses) == text
    assert max(map(len, clauses)) <= 250


@pytest.mark.parametrize(
    ("reply", "left_out"),
    [
        ("A fox lived there. It hunted at night and slept by day in the old barn. One day it", "One day it"),
        ("它住在山里。它每天晚上出去，白天睡觉，从来不进村子。它不怕人。有一天它", "有一天它"),
        ("A fox lived there. It was old. It had", "It had"),
        ("It weighs 3.5", ""),  # there is no other sentence
        ("Well, there are many things that", ""),
        ("A fox lived there. It hunted at night with Dr.", "It hunted at night with Dr."),
        ("A fox lived there. It hunted at night.", ""),
        ("", ""),
    ],
)
def test_a_reply_that_is_cut_at_its_limit_ends_with_a_sentence(reply: str, left_out: str) -> None:
    def clauses(*pieces: str) -> str:
        said: list[str] = []
        stream = ClauseStream(lambda number, clause: said.append(clause))
        for piece in pieces:
            stream.feed(piece)
        stream.finish()
        return "".join(said).replace(" ", "")

    assert clauses(reply) == reply.replace(" ", "")
    assert clauses(reply, LimitReached()) == reply.removesuffix(left_out).replace(" ", "")


@pytest.mark.parametrize("text", ["a <b", "<thinker>", "1 < 2", "<|", "<|a\n|>", "<<b"])
def test_what_only_looks_like_a_hidden_tag_is_shown(text: str) -> None:
    hidden = ThoughtFilter()
    assert "".join(map(hidden.feed, text)) + hidden.end() == text


@pytest.mark.parametrize(
    "reply",
    [
        "<Think>He. She.</Think >Hello there.",
        "<think about='x'>a</think>Hello there.",
        "[THINK]One. Two.[/THINK]Hello there.",
        "◁think▷Hm.◁/think▷Hello there.",
        "<|begin_of_thought|>Plan.<|end_of_thought|>Hello there.",
        "<|channel|>analysis<|message|>Plan.<|end|><|start|>assistant<|channel|>final<|message|>Hello there.",
        "*sighs, then nods* (smiles warmly) [laughs] Hello there.",
        "（轻轻叹了口气） Hello there.",
        "(´･ω･`) Hello there.",
    ],
)
def test_thoughts_and_directions_are_not_weighed_as_words(reply: str) -> None:
    clauses = split(reply)
    assert len(clauses) == 1 and clauses[0].endswith("Hello there.")


@pytest.mark.parametrize("direction", ["*smiles warmly*", "（轻轻点了点头）", "(^_^)", "QAQ", "[sighs deeply]"])
def test_a_direction_alone_is_no_clause(direction: str) -> None:
    assert split(direction) == []


def test_clauses_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("id\ttext\na\t你好！我是回音，很高兴认识你。\nb\tHere:\\n```\\nx\\n```\nc\t😀\n", encoding="utf-8")
    assert main(["--tsv", str(path)]) == 0
    assert capsys.readouterr().out == "a\t你好！ | 我是回音，很高兴认识你。\nb\tHere: | ```\\nx\\n```\nc\t\n"


def test_clauses_of_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Well", "of", "course,", "that", "depends."]) == 0
    assert main(["😀"]) == 1
    assert capsys.readouterr().out == "Well of course, | that depends.\n(nothing)\n"
