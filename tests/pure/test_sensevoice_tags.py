"""SenseVoice's tags, from tokens and from logits, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from sentencepiece import SentencePieceProcessor

from huiyin.services.asr.recogniser import Emotion, ModelFolderError, Segment
from huiyin.services.asr.sensevoice.decoding import Decoder
from huiyin.services.asr.sensevoice.tags import LANGUAGES, Answers, TagTokens
from tests.support.sensevoice_folder import sentencepiece, vocabulary

PIECES = vocabulary()
VOCABULARY = SentencePieceProcessor(model_proto=sentencepiece(PIECES))
DECODER = Decoder(VOCABULARY)
CALM = Answers("zh", "zh", Emotion("neutral", 0.9, {"neutral": 0.9, "sad": 0.1}), {})


def decode(tokens: str, answers: Answers = CALM, frames_each: int = 2, gap: int = 1) -> tuple[Segment, ...]:
    """`tokens` with spaces between; each lasts some frames of 60 ms, with blanks in between."""
    frames: list[int] = []
    for token in tokens.split():
        frames += [PIECES.index(token)] * frames_each + [0] * gap
    frames = frames or [0]
    ids = np.array(frames, np.int64)
    return DECODER.segments(ids, np.where(ids > 0, 0.8, 0.0).astype(np.float32), answers, len(ids) * 0.06)


def logits(*winners: str, strength: float = 5.0) -> np.ndarray:
    rows = np.zeros((4, len(PIECES)), np.float32)
    for row, token in enumerate(winners):
        rows[row, PIECES.index(token)] = strength
    return rows


@pytest.mark.parametrize(
    ("tokens", "texts", "emotions", "events"),
    [
        ("今 天", ["今天"], ["neutral"], []),
        ("今 天 。", ["今天。"], ["neutral"], []),
        ("▁the ▁one s", ["the ones"], ["neutral"], []),
        ("今 天 ▁one ▁two", ["今天 one two"], ["neutral"], []),
        # a tag inside the sentence rules what follows
        ("<|zh|> <|SAD|> 今 <|HAPPY|> 天", ["今", "天"], ["sad", "happy"], []),
        ("<|SAD|> <|ANGRY|> 今", ["今"], ["angry"], []),
        ("<|EMO_UNKNOWN|> 今", ["今"], ["unknown"], []),
        # events: with an end, without one, momentary, inside the sentence
        ("今 <|Laughter|> 天 <|/Laughter|> 又", ["今天又"], ["neutral"], ["laughter"]),
        ("今 <|BGM|> 天", ["今天"], ["neutral"], ["music"]),
        ("今 <|Cough|> 天", ["今天"], ["neutral"], ["cough"]),
        # malformed: ends without beginnings, tags without effect, unknown tags
        ("<|/Laughter|> 今 <|/BGM|>", ["今"], ["neutral"], []),
        ("<|Speech|> 今 <|/Speech|> <|withitn|> <|GBG|> <|SPECIAL_TOKEN_1|> <|zh/en|> 天", ["今天"], ["neutral"], []),
        ("<|zh|> <|NEUTRAL|> <|Speech|> <|withitn|>", [], [], []),
    ],
)
def test_tags_become_facts_and_never_text(
    tokens: str, texts: list[str], emotions: list[str], events: list[str]
) -> None:
    segments = decode(tokens)
    assert [s.text for s in segments] == texts
    assert [s.emotion.label for s in segments if s.emotion] == emotions
    assert [event.label for s in segments for event in s.events] == events
    assert not any("<|" in s.text or "|>" in word.text for s in segments for word in s.words)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_tag_inside_the_text_begins_a_segment_of_that_language(code: str) -> None:
    segments = decode(f"今 天 <|{code}|> 国")
    assert segments[-1].language == code
    assert "".join(s.text for s in segments) == "今天国"


def test_an_event_with_an_end_has_its_times() -> None:
    (segment,) = decode("今 <|Laughter|> 天 <|/Laughter|> 又")
    (event,) = segment.events
    words = {word.text: word for word in segment.words}
    assert words["今"].start_s < event.start_s <= words["天"].start_s
    assert words["天"].start_s < event.end_s <= words["又"].start_s


def test_an_event_that_never_ends_lasts_to_the_end_of_the_piece() -> None:
    (segment,) = decode("今 <|BGM|> 天 又")
    assert segment.events[0].end_s == pytest.approx(4 * 3 * 0.06)


def test_words_have_their_punctuation_and_times_in_order() -> None:
    (segment,) = decode("今 天 ， ▁one s . 天 。")
    assert [w.text for w in segment.words] == ["今", "天，", "ones.", "天。"]
    edges = [edge for w in segment.words for edge in (w.start_s, w.end_s)]
    assert edges == sorted(edges)
    assert segment.start_s <= edges[0] and edges[-1] <= segment.end_s <= 8 * 3 * 0.06


def test_the_same_token_twice_is_two_words_only_with_a_blank_between() -> None:
    assert decode("一 一")[0].text == "一一"
    assert decode("一 一", gap=0)[0].text == "一"


def test_a_piece_without_words_is_a_segment_only_for_its_events() -> None:
    loud = Answers("zh", "nospeech", CALM.emotion, {"applause": 0.7, "music": 0.1})
    (segment,) = decode("", loud)
    assert (segment.text, segment.language, segment.emotion) == ("", "", None)
    assert [(e.label, e.confidence) for e in segment.events] == [("applause", 0.7)]
    assert decode("", CALM) == ()


def test_posteriors_come_from_the_logits_of_the_four_answers() -> None:
    answers = DECODER.tags.read(logits("<|en|>", "<|SAD|>", "<|Laughter|>", "<|withitn|>"), LANGUAGES)
    assert (answers.language, answers.best_language) == ("en", "en")
    assert answers.emotion.label == "sad"
    assert answers.emotion.confidence == pytest.approx(np.exp(5) / (np.exp(5) + 8), abs=1e-6)  # of nine labels
    assert sum(answers.emotion.scores.values()) == pytest.approx(1.0)
    assert max(answers.events, key=lambda name: answers.events[name]) == "laughter"
    assert "speech" not in answers.events


def test_an_unknown_emotion_is_called_unknown_with_the_scores_of_the_others() -> None:
    rows = logits("<|zh|>", "<|EMO_UNKNOWN|>", "<|Speech|>", "<|woitn|>")
    rows[1, PIECES.index("<|SAD|>")] = 4.0
    emotion = DECODER.tags.read(rows, LANGUAGES).emotion
    assert emotion.label == "unknown"
    assert sorted(emotion.scores, key=lambda name: -emotion.scores[name])[:2] == ["unknown", "sad"]


@pytest.mark.parametrize("winner", ["<|ja|>", "<|ko|>", "<|nospeech|>"])
@pytest.mark.parametrize("allowed", [("zh", "en"), ("yue",), ("en", "yue", "zh")])
def test_a_restricted_language_never_leaves_the_set(winner: str, allowed: tuple[str, ...]) -> None:
    answers = DECODER.tags.read(logits(winner, "<|SAD|>", "<|Speech|>"), allowed)
    assert answers.language in allowed
    assert f"<|{answers.best_language}|>" == winner


def test_another_vocabulary_is_refused() -> None:
    with pytest.raises(ModelFolderError, match="tags"):
        TagTokens(lambda piece: 0, 100)
    with pytest.raises(ModelFolderError, match="tags"):
        TagTokens(VOCABULARY.piece_to_id, 50)
