"""What openers gain and cost, in virtual time: ``python -m benchmarks.openers [--conversations 200] [--set KEY=VALUE]``

The demo's conversation again and again, each time with other times of its services: log-normal around the medians that
`benchmarks.demo` has measured (docs/performance.md), with openers as long as the default voice says them. Nothing is
computed but whose turn it is, so it takes seconds and needs no quiet machine. What two stages that run at the same time
cost each other is not in it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.command import as_command, one_or_more
from benchmarks.output import show
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, VirtualWorld
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.tools import Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.text_depth import TextDepth
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.opener import OPENER
from huiyin.configs.settings import Settings, load

_OPENERS_S = {
    "嗯，": 0.38, "我想想，": 0.92, "这个嘛，": 0.79, "这样啊，": 0.71, "唉，": 0.56,
    "Well,": 0.55, "Let me see,": 0.80, "I see,": 0.67, "Oh,": 0.50,
}  # fmt: skip
"""As Kokoro's zf_xiaoxiao says them, prepared: 0.1 s of silence after them counts."""
_LINES = (  # of the demo, with an answer of one clause
    ("你好，请介绍一下你自己。", "你好，我是回音。"),
    ("今天下班有点累，晚饭吃什么好呢？", "可以煮一碗面。"),
    ("What is the capital of France?", "The capital of France is Paris."),
    ("Please tell me a short story about a lighthouse.", "Once upon a time there was a lighthouse."),
    ("Sorry, how tall was that lighthouse?", "It was two hundred feet tall."),
)
_LINE_S, _CLAUSE_S, _BETWEEN_S = 2.0, 1.5, 0.7  # a line is said, a clause; the user is silent after it
_PAUSE_S = 0.096  # after which a pause is known
_JUDGED_S = 0.06
_COMPLETE, _DOUBTFUL = 0.95, 0.3  # by the sound: the turn ends after 0.25 s, or after 0.85 and more
_SHARE_DOUBTFUL = 0.3
_WITHOUT = "turns.openers=false"
_SPREAD = {"asr": 0.27, "llm": 0.35, "tts": 0.35}  # standard deviation of the logarithm, in demos on two cores


@dataclass(frozen=True)
class _Speed:
    """Median seconds of the stages; `hear`: from the user's last sound to the start of recognition."""

    tokens_s: int
    hear: float
    asr: float
    llm: float
    tts: float


_SPEEDS = (_Speed(17, 0.14, 0.21, 0.59, 0.22), _Speed(7, 0.15, 0.21, 0.83, 0.41))


def main() -> int:
    """Print a table: at each speed with openers, and without."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=one_or_more, default=200, help="of five turns each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], help="as for `huiyin talk`")
    args = parser.parse_args()
    ways = [load(overrides=[*more, *args.set], environ={}) for more in ([], [_WITHOUT])]
    heads = ["tokens/s", "turns", "begin with an opener", "first sound p50", "p95", "first clause p50", "p95"]
    heads += ["waits for the opener's end, mean", "p95"]
    rows = (_row(speed, settings, args.conversations, args.seed) for speed in _SPEEDS for settings in ways)
    show(heads, rows)
    return 0


def _row(speed: _Speed, settings: Settings, conversations: int, seed: int) -> Sequence[str]:
    turns: list[_Turn] = []
    for number in range(conversations):
        turns += _Conversation(speed, settings, random.Random(f"{seed} {number}")).turns()
    opened = sum(turn.opener_s is not None for turn in turns)
    cells = [str(speed.tokens_s), str(len(turns)), f"{100 * opened / len(turns):.0f} %"]
    for values in ([turn.first_s for turn in turns], [turn.clause_s for turn in turns]):
        cells += [f"{value:.2f} s" for value in np.percentile(values, (50, 95))]
    waits = [max(0.0, turn.clause_s - turn.sound_s) if turn.opener_s is not None else 0.0 for turn in turns]
    return [*cells, f"{np.mean(waits):.2f} s", f"{np.percentile(waits, 95):.2f} s"]


@dataclass
class _Turn:
    """Seconds after the user's last sound."""

    opener_s: float | None = None  # it was heard; None: there was none
    sound_s: float = 0.0  # the first clause's sound was there
    clause_s: float = 0.0  # that was heard

    @property
    def first_s(self) -> float:
        """The first sound."""
        return self.clause_s if self.opener_s is None else self.opener_s


class _Conversation:
    """One of the demo's. It is its own stages."""

    def __init__(self, speed: _Speed, settings: Settings, chance: random.Random) -> None:
        self._speed, self._chance = speed, chance
        self._world = VirtualWorld()
        depth = TextDepth(self._world, lambda event: self._session.post(event), lambda block: None, half_duplex=False)
        persona = load_persona(settings.talk.persona)
        prepared = {text: _tone(lasts_s) for text, lasts_s in _OPENERS_S.items()}
        parts = Parts(self, self, self, by_sound=self)
        self._session = Session(self._world, depth, None, persona, parts, settings, prepared=prepared)
        self._session.observe(self._note, at_once=True)
        self._turns: list[_Turn] = []
        self._ended_s = 0.0

    def turns(self) -> list[_Turn]:
        """Let it happen."""
        self._session.start()
        self._say()
        self._world.run()
        return self._turns

    def _say(self) -> None:
        """The user says the next line."""
        start_s = self._world.now + _BETWEEN_S
        self._ended_s = start_s + _LINE_S
        self._turns.append(_Turn())
        self._world.at(start_s + _PAUSE_S, lambda: self._session.post(ev.SpeechStarted(self._world.now, start_s)))
        paused_s = self._ended_s + _PAUSE_S
        self._world.at(paused_s, lambda: self._session.post(ev.SpeechPaused(self._world.now, self._ended_s)))

    def _note(self, at_s: float, event: on.Public) -> None:
        turn, since_s = self._turns[-1], at_s - self._ended_s
        match event:
            case on.ClauseStarted(clause=clause) if clause == OPENER:
                turn.opener_s = since_s
            case on.SpeechBegun(clause=0):
                turn.sound_s = max(since_s, turn.sound_s)
            case on.ClauseStarted(clause=0):
                turn.clause_s = since_s
            case on.FloorChanged(after=State.LISTENING) if len(self._turns) < len(_LINES):
                self._say()

    def transcribe(self, turn: TurnSoFar) -> Plan[ev.Transcript]:
        """As `Recogniser.transcribe`."""
        text = _LINES[len(self._turns) - 1][0]
        takes_s = self._speed.hear - _PAUSE_S + self._takes_s("asr")
        return Plan([(takes_s, ev.Transcript(text, language_of(text)))], takes_s)

    def judge(self, turn: TurnSoFar) -> Plan[float | None]:
        """As `Judge.judge`."""
        is_doubtful = self._chance.random() < _SHARE_DOUBTFUL
        return Plan([(_JUDGED_S, _DOUBTFUL if is_doubtful else _COMPLETE)], _JUDGED_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Plan[str]:
        """As `Model.ask`."""
        takes_s = self._takes_s("llm")
        return Plan([(takes_s, _LINES[len(self._turns) - 1][1])], takes_s)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`."""

    def summarise(self, messages: Sequence[Message]) -> Plan[str]:
        """As `Model.summarise`."""
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Plan[Pcm16]:
        """As `Voice.speak`."""
        takes_s = self._takes_s("tts")
        return Plan([(takes_s, _tone(_CLAUSE_S))], takes_s)

    def _takes_s(self, stage: str) -> float:
        """What a stage takes this time."""
        return float(getattr(self._speed, stage)) * self._chance.lognormvariate(0.0, _SPREAD[stage])


def _tone(lasts_s: float) -> Pcm16:
    return np.full(round(lasts_s * SAMPLE_RATE), 1000, np.int16)


if __name__ == "__main__":
    as_command(main)
