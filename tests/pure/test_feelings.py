"""What the user's words tell of how they feel: their own, now, and nothing else."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from huiyin.assistant.dialogue.feelings.judge import feeling_in
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import LEAST_CONFIDENCE
from huiyin.configs.tables import read_table
from tests.support import ROOT

FRAMES = ROOT / "assistant" / "dialogue" / "feelings" / "frames.toml"
REQUESTS = ROOT / "benchmarks" / "data" / "emotion_words_requests.tsv"
HALVES = [ROOT / "benchmarks" / "data" / name for name in ("emotion_words.tsv", "emotion_words_aside.tsv")]


def told(text: str) -> str:
    """The emotion that passes the gate, '' for none."""
    feeling = feeling_in(text, language_of(text))
    return feeling.label if feeling and feeling.confidence >= LEAST_CONFIDENCE else ""


@pytest.mark.parametrize(
    ("emotion", "own", "trap"),
    [
        ("sad", "我真的很难过。", "我一点也不难过。"),
        ("sad", "I'm so sad.", "I'm not sad."),
        ("sad", "我好伤心。", "他说：“我好伤心。”"),
        ("sad", "I can't stop crying.", 'She said "I can\'t stop crying".'),
        ("angry", "我很生气。", "我妈很生气。"),
        ("angry", "I'm furious.", "My boss is furious."),
        ("fearful", "我好害怕。", "我小时候很害怕打雷。"),
        ("fearful", "I'm scared.", "I used to be scared."),
        ("happy", "我太开心了！", "要是能去，我会很开心。"),
        ("happy", "I'm so happy!", "I'd be so happy if it snowed."),
        ("sad", "我好难过。", "难过的时候该听什么歌？"),
        ("angry", "I'm so angry!", "What should I do when I'm angry?"),
        ("happy", "我很幸福。", "《当幸福来敲门》好看吗？"),
        ("fearful", "I'm afraid of losing my job.", "I'm afraid I can't come."),
        ("sad", "我的狗昨天死了。", "邻居的狗昨天死了。"),
        ("sad", "My dog died.", "Her dog died."),
        ("happy", "I'm so excited!", "Text my mom I'm so excited."),
        ("fearful", "I'm worried about the roof.", "Tell my husband I'm worried about the roof."),
        ("fearful", "I need to text my mom, I'm so scared.", "I need to tell my coach I'm scared."),
        ("sad", "I have to say, I'm really disappointed.", "Say I'm really disappointed in Italian."),
        ("sad", "Write me a poem, I'm so sad.", "Write a letter: I'm so sad. I'm so lonely."),
        ("sad", "我好想你。", "发微信给老婆：我好想你。我好孤单。"),
        ("sad", "发消息也不回，我好难过。", "发消息给他，我好难过。"),
        ("fearful", "我想跟你说，我很担心她。", "跟我妈说我很担心她。"),
        ("happy", "我毕业了！", "我毕业照在哪？"),
        ("fearful", "着火了！", "着火了怎么办？"),
        ("happy", "I passed my exam!", "I passed the exit, reroute."),
        ("happy", "He proposed!", "He proposed a budget."),
        ("happy", "I got into college!", "I got into the car, start navigation."),
        ("angry", "I've had it with them!", "I've had it for two years."),
        ("sad", "I'm feeling low.", "I'm low on battery."),
    ],
)
def test_a_feeling_counts_where_it_is_the_speakers_own_now(emotion: str, own: str, trap: str) -> None:
    assert told(own) == emotion
    assert told(trap) == ""


def test_two_signs_are_surer_than_one_and_contrary_ones_leave_it_open() -> None:
    one, two = feeling_in("我好难过。", "zh"), feeling_in("我好难过，我好孤单。", "zh")
    assert one and two and two.confidence > one.confidence
    assert told("我好难过，可是我也好开心。") == ""


def test_others_are_forgotten_when_the_speaker_comes_back_to_themselves() -> None:
    assert told("他失恋了，最近情绪很低落。") == ""
    assert told("他骂了我，我好难过。") == "sad"


def test_a_text_without_end_is_read_in_its_last_words() -> None:
    assert told("说来话长，" * 100_000 + "我好难过。") == "sad"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("half", HALVES, ids=lambda path: path.stem)
def test_nine_of_ten_are_right_and_two_of_five_are_found(half: Path, language: str) -> None:
    counts: Counter[str] = Counter()
    with half.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["language"] == language:
                found = told(row["text"])
                counts["told"] += bool(found)
                counts["right"] += found == row["emotion"]
                counts["felt"] += row["emotion"] != "none"
    assert counts["right"] >= 0.9 * counts["told"]
    assert counts["right"] >= 0.4 * counts["felt"]


def test_ordinary_requests_tell_of_no_feeling() -> None:
    with REQUESTS.open(encoding="utf-8", newline="") as file:
        false = [row["text"] for row in csv.DictReader(file, delimiter="\t") if told(row["text"])]
    assert false == []


def test_what_a_recogniser_repeats_without_end_is_read_one_way_only() -> None:
    """None of what may stand before a feeling is made of several others: ways to read would double with each word."""
    pieces = read_table(FRAMES)["zh"]["before"]
    words = {word for piece in pieces for word in spelt_out(piece)}
    assert len(words) > 80
    several = re.compile(f"(?:{'|'.join(sorted(words))}){{2,}}")
    assert [word for word in words if several.fullmatch(word)] == []


def spelt_out(piece: str) -> list[str]:
    """The words that a piece stands for, without what may follow."""
    plain = re.sub(r"\(\?[=!].*\)$", "", piece).replace("[^就]{1,10}", "门")
    alternatives = re.fullmatch(r"(?:\(\?:(.*?)\))?(.*)", plain)
    assert alternatives
    heads, rest = (alternatives[1] or "").split("|"), alternatives[2]
    if letters := re.search(r"\[(.*)\]", rest):
        tails = [rest.replace(letters[0], letter) for letter in letters[1]]
    else:
        tails = [rest.replace("?", ""), re.sub(r".\?", "", rest)]
    return [head + tail for head in heads for tail in tails]


@pytest.mark.parametrize(
    "text", ["啊啊啊", "昨天晚上", "真的真的", "我一直好像", "so really ", "I feel so ", "在群里", "and then please "]
)
def test_a_recognisers_loop_ends(text: str) -> None:
    assert told(f"{text * 200}门") == ""
