"""The people of a script in real sound: their lines are made beforehand, and mixed in when their moment has come."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.ports.port import Samples
from huiyin.assistant.scenario.cast import Voice, sound_of
from huiyin.assistant.scenario.hearing import spoken
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.script import Scenario, Step

_WITHOUT_SOUND = ("types", "key")


class People:
    """Lets the steps of a script begin: what is said, typed, or done to the talk key."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        voice: Voice,
        *,
        say: Callable[[Samples, float], float],
        types: Callable[[Step], None],
        key: Callable[[bool], None],
    ) -> None:
        """`say` plays a sound (float32, 16 kHz) from a time on and returns when it begins; `key` gets whether the talk
        key goes down.

        All sound is made here: during the conversation it would slow down what is measured.
        """
        self._say, self._types, self._key = say, types, key
        steps = [step for step in scenario.steps if step.kind not in _WITHOUT_SOUND]
        self._sounds = {step.number: sound_of(step, scenario, seed, voice) for step in steps}

    def begin(self, step: Step, now: float, log: Log) -> float:
        """Let a step begin at `now`; when it ends. What is said is added to the utterances of `log`."""
        if step.kind == "types":
            self._types(step)
        elif step.kind == "key":
            self._key(step.content == "down")
        else:
            sound, spans = self._sounds[step.number]
            utterance = spoken(step, spans, self._say(sound, now))
            log.utterances.append(utterance)
            return utterance.end_s
        return now
