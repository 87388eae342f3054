"""A stream of reply text, cut into clauses that can be spoken one after another.

The first clause is cut early (sound can start while the rest is still being thought). Those after it grow, so that
each can be generated and synthesised while the ones before play; then they are whole sentences, which sound better.
Measured with 15 words/s and speech made in a tenth of its length: 0.6-0.9 s of silence after the first clause were
0-0.2 s.

The text is read once, from left to right. Reading halts where the text to come decides, and goes on from there; it
starts again only after a cut. So the work grows with the length of the text (`python -m benchmarks.text_linear`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from huiyin.assistant.dialogue import clause_marks as marks
from huiyin.assistant.dialogue.clause_spans import OPENERS, Span, span_at
from huiyin.assistant.dialogue.clause_text import (
    FENCE,
    RunningWeight,
    shown,
    shown_code,
    speakable,
    weight,
)
from huiyin.services.common.text_command import answer, text_parser
from huiyin.services.common.think import ThoughtFilter

__all__ = ["ClauseLengths", "ClauseSplitter", "shown", "speakable", "split", "weight"]

# Where an English clause that runs on can be cut: speakers breathe before these words.
_BREATH = re.compile(
    r"and|or|but|so|with|without|that|which|who|whose|because|to|for|in|on|at|from|by|as|when|where|while|if|than|into"
    r"|about|between|through|after|before",
    re.I,
)

# The same for Chinese: words that begin a phrase, unless an adverb or a pronoun leads into them (不可能, 我觉得你可以).
_ZH_BREATH = re.compile(
    r"(?<![不没很最有都也还就才只又再更太真会能是的你我他她它们这那您第每另某哪同和跟与周期统唯万之])"
    r"(?:大约|大概|需要|可以|应该|可能|通常|目前|已经|包括|因为|所以|但是|不过|如果|而且|并且|或者|以及|然后"
    r"|[和跟与]?一[些个份种位杯碗道首本部件双条张把瓶块只座])\Z"
)
_LONGEST_ZH_BREATH = 3  # characters

_CODE_WORDS = 3  # "a code block"
_LONGEST_WAIT = 8  # characters; a text longer than any clause by more does not wait for what may follow a mark


@dataclass(frozen=True)
class ClauseLengths:
    """When a piece is long enough to be spoken on its own, in Chinese characters or English words.

    The first is short: synthesis time is latency there, and grows with length (Kokoro: a ten-word sentence 1 s).
    """

    first_chars: int = 4
    first_words: int = 3
    hurried_chars: int = 2  # where the voice waits: "Sure," saves a model of 17 tokens a second 0.4 s
    hurried_words: int = 1
    later_chars: int = 10
    later_words: int = 6
    first_longest_chars: int = 10  # more, or more words than below: then it is cut where a speaker would breathe
    first_longest_words: int = 6  # both take 2 s to say; 8 words cost 50 ms more at 40 tokens a second, 100 at 20
    growth: int = 2  # times what was given so far; thinking and voicing take half the time that hearing does
    grown: int = 24  # characters and words given: from then on, whole sentences
    grown_longest_words: int = 5  # no clause is cut before a preposition for less
    longest_chars: int = 120  # a "sentence" without any stop is cut at a space or a character


class ClauseSplitter:
    """Feed it pieces of text as they come; it gives back clauses ready to be spoken, in order."""

    def __init__(self, lengths: ClauseLengths | None = None) -> None:
        self._lengths = lengths or ClauseLengths()
        self._hidden = ThoughtFilter()
        self._code: list[str] = []  # the characters of a code block that is open
        self._units_so_far = 0  # characters and words in the clauses so far
        self._is_urgent = True  # the next clause is to be short ...
        self._is_hurried = False  # ... or a single word
        self._grows_from = self._lengths.first_words  # units: behind fewer the next clause is not short
        self._may_be_the_end = False  # and there may be no more text
        self._start_reading("")

    def feed(self, piece: str) -> list[str]:
        """Clauses that `piece` completes (often none). How the text was cut into pieces makes no difference."""
        clauses: list[str] = []
        for char in self._hidden.feed(piece):
            clauses += self._add(char)
        return clauses

    def end_token(self) -> list[str]:
        """The clause that the text so far completes if it ends with a token of the model's, where one is waited for.

        A full stop may belong to 3.14 or file.txt, but no tokenizer parts it from letters behind it. So it ends a
        sentence here, which `feed` would know one token later.
        """
        if not self._is_urgent or not marks.ends_with_a_stop(self._text):
            return []
        self._may_be_the_end = True
        clauses = self._take(final=False)
        self._may_be_the_end = False
        self._is_urgent = self._is_urgent and not clauses
        self._is_hurried = self._is_hurried and not clauses
        return clauses

    def hurry(self) -> list[str]:
        """What is whole of the text so far. If that is nothing, the next clause comes as early as can be."""
        self._is_urgent = self._is_hurried = self._may_be_the_end = True
        self._grows_from = self._lengths.hurried_words
        self._start_reading(self._text)  # what was too short may be long enough now
        clauses = self._take(final=False)
        self._is_urgent = self._is_hurried = not clauses
        self._may_be_the_end = False
        self._start_reading(self._text)
        return clauses

    def finish(self) -> list[str]:
        """What is left at the end of the reply."""
        clauses: list[str] = []
        for char in self._hidden.end():
            clauses += self._add(char)
        if self._code:
            clauses += self._end_code()
        return clauses + self._take(final=True)

    def _start_reading(self, text: str) -> None:
        self._text = text  # since the last cut
        self._at = 0  # the reading position: no clause ends before it
        self._weight = RunningWeight()  # of what was read
        self._spans: list[Span] = []  # in what was read
        self._blank = -1  # where the last blank is in what was read
        self._breath: int | None = None  # the last place to breathe in what was read: English
        self._zh_breath: int | None = None  # and Chinese

    def _add(self, char: str) -> list[str]:
        if self._code:
            self._code.append(char)
            is_closed = len(self._code) >= 2 * len(FENCE) and "".join(self._code[-len(FENCE) :]) == FENCE
            return self._end_code() if is_closed else []
        if self._text or char not in marks.CLAUSE_END:  # no clause begins with what is left of "!!!"
            self._text += char
        if char == "`" and self._text.endswith(FENCE):
            self._text = self._text[: -len(FENCE)]
            self._code = list(FENCE)
            return self._take(final=True)
        return self._take(final=False)

    def _end_code(self) -> list[str]:
        block = "".join(self._code)
        self._code = []
        self._units_so_far += _CODE_WORDS
        self._is_urgent = self._is_hurried = self._may_be_the_end
        return [shown_code(block)]

    def _take(self, *, final: bool) -> list[str]:
        """The clauses that end in the text so far. `final`: no more text belongs to the last of them."""
        clauses: list[str] = []
        while (end := self._clause_end(final)) is not None:
            clause, rest = self._text[:end], self._text[end:]
            if words := speakable(clause):
                clauses.append(shown(clause))
                self._units_so_far += sum(weight(words))
            if clauses:
                self._is_urgent = self._is_hurried = self._may_be_the_end
            self._start_reading(rest.lstrip(marks.CLAUSE_END))
        return clauses

    def _clause_end(self, final: bool) -> int | None:
        """Reads on to where the clause ends. None when the text so far does not show it."""
        text = self._text
        if not final and text.endswith("`"):
            return None  # a code block in the making
        open_span = None
        while self._at < len(text):
            at = self._at
            span = span_at(text, at, final=final) if text[at] in OPENERS else None
            if span and span.is_open:
                open_span = span
                break
            if span:
                self._read_span(span)
                continue
            if text[at] in marks.MARKS:
                end = marks.after_closers(text, at)
                may_wait = not final and end == len(text) <= self._lengths.longest_chars + _LONGEST_WAIT
                if may_wait and marks.next_decides(text, at, may_be_the_end=self._may_be_the_end):
                    return None
                if self._ends_clause(at, end):
                    return end
            self._read_character()
        if (breath := self._place_to_breathe()) is not None:
            return breath
        if len(text) > self._lengths.longest_chars and not (open_span and open_span.start == 0):
            return self._forced_end([*self._spans, open_span] if open_span else self._spans)
        return len(text) if final and text else None

    def _read_span(self, span: Span) -> None:
        for char in speakable(self._text[self._at : span.end]):  # "http" may have been read before the span was known
            self._weight.add(char)
        self._spans.append(span)
        self._at = span.end

    def _read_character(self) -> None:
        char = self._text[self._at]
        self._weight.add(char)
        if char.isspace():
            self._note_breath()
        elif self._is_urgent:
            self._note_zh_breath()
        self._at += 1

    def _note_breath(self) -> None:
        """Notes the place before an English word, at the blank behind it."""
        before, self._blank = self._blank, self._at
        is_breath = before >= 0 and _BREATH.fullmatch(self._text, before + 1, self._at)
        if is_breath and self._may_breathe_after(self._weight.chars, self._weight.words - 1):
            self._breath = before + 1

    def _note_zh_breath(self) -> None:
        """Notes the place before a Chinese word, at its last character."""
        chars, words = self._weight.chars, self._weight.words
        if self._may_breathe_after(chars, words):
            end = self._at + 1
            word = _ZH_BREATH.search(self._text, max(0, end - _LONGEST_ZH_BREATH), end)
            if word and self._may_breathe_after(chars - len(word[0]), words):
                self._zh_breath = word.start()

    def _may_breathe_after(self, chars: int, words: int) -> bool:
        return chars > self._lengths.first_chars or words > self._lengths.first_words

    def _place_to_breathe(self) -> int | None:
        """Where a text that runs on is cut. None where it does not, or nowhere."""
        if self._breath is None and self._zh_breath is None:
            return None
        need, chars, words = self._lengths, self._weight.chars, self._weight.words
        if open_text := self._text[self._at :]:  # is counted as it stands
            open_chars, open_words = weight(speakable(open_text))
            chars += open_chars
            words += open_words
        grows = self._is_urgent or self._units_so_far < need.grown
        if self._breath is not None and grows and words > self._longest_words():
            return self._breath
        return self._zh_breath if chars > need.first_longest_chars else None

    def _forced_end(self, spans: list[Span]) -> int:
        """Where a text without any stop is cut: at a space or a character, outside of spans."""
        longest = self._lengths.longest_chars
        end = self._text.rfind(" ", 1, longest) + 1 or longest
        for span in spans:
            if span.start < end < span.end:
                return span.start or span.end
        return end

    def _ends_clause(self, at: int, end: int) -> bool:
        """Whether the clause ends with the mark at `at` and the closing marks up to `end`."""
        if end < len(self._text) and not marks.is_stop(self._text, at, end):
            return False
        return self._is_long_enough(is_sentence=self._text[at] in marks.SENTENCE_END + ".")

    def _is_long_enough(self, *, is_sentence: bool) -> bool:
        """Whether what was read is."""
        words, need = self._weight.words, self._lengths
        units = self._weight.chars + words
        if self._is_urgent and is_sentence:
            return units > 0
        if self._is_hurried:
            return units >= need.hurried_chars or words >= need.hurried_words
        if self._is_urgent:
            return units >= need.first_chars or words >= need.first_words
        if is_sentence and (units >= need.later_chars or words >= need.later_words):
            return True
        return self._grows_from <= self._units_so_far <= units and self._units_so_far < need.grown

    def _longest_words(self) -> int:
        """Words that may be collected before a clause is cut where a speaker would breathe."""
        need = self._lengths
        if self._is_urgent:
            return need.first_longest_words
        return max(need.grown_longest_words, need.growth * self._units_so_far)


def split(text: str) -> list[str]:
    """The clauses of a whole reply."""
    splitter = ClauseSplitter()
    return splitter.feed(text) + splitter.finish()


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the clauses of a text, or of each text of a table, with " | " between them. 1 when there are none."""
    parser = text_parser("python -m huiyin.assistant.dialogue.clauses", "the clauses in which a reply is spoken")
    return answer(parser, parser.parse_args(argv), lambda text: " | ".join(split(text)))


if __name__ == "__main__":
    sys.exit(main())
