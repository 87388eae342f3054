"""The numbers the machine decides by. Those a user can set, and the reasons for them, are in `configs/settings.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from huiyin.assistant.turns.endpointing import EndpointPolicy

NEVER = float("inf")  # a time that does not come


@dataclass(frozen=True)
class TurnPolicy:
    """Everything that conversations may want different. `…_s` are seconds."""

    endpoint: EndpointPolicy = field(default_factory=EndpointPolicy)
    judge_sound: bool = False  # an endpoint model can judge the sound of a turn
    judge_words: bool = False  # a language model can judge its words

    speculate_s: float = 0.096  # silence after which a reply is prepared and the pause is judged; 0: none is prepared
    speculate_max_turn_s: float = 20.0
    max_speculations: int = 3  # a turn, in pauses that might have been its end
    max_tries: int = 12  # a turn, with those at energy drops and in pauses where the words go on
    early_asr_s: float = 0.12  # a recogniser that takes no longer is asked at an energy drop, before the pause is sure
    drop_reach_s: float = 0.12  # a pause that begins so much later than the energy drop is another one

    possible_speech_s: float = 0.096  # no reply begins for so long after possible speech: it takes 3 frames to be sure
    possible_speech_longest_s: float = 0.25  # ... nor is it delayed for longer, as a knock is possible speech, too
    hurry_s: float = 0.3  # after the last known clause began, the next one is wanted: it lasts 1 s at least

    barge_in: Literal["voice", "key", "off"] = "voice"
    barge_in_s: float = 0.192  # speech that pauses the assistant
    ask_early_s: float = 0.3  # speech that is transcribed while it goes on: "stop" should work at once
    confirm_s: float = 0.5  # speech with words that stops the assistant
    doubt_s: float = 1.0  # speech that stops it whatever the words; a listener's "mm-hmm" is shorter
    pause_lag_s: float = 0.192  # a pause in an interruption is known so much later than it began: 5 frames and a block
    resume_s: float = 0.65  # silence after which the assistant goes on
    echo_tail_s: float = 2.0  # after the assistant's last sound an echo of it may still come

    talk_key: bool = False  # push-to-talk
    max_turn_s: float = 60.0
    asr_timeout_s: float = 10.0
    llm_timeout_s: float = 20.0
    llm_idle_timeout_s: float = 8.0
    tts_timeout_s: float = 10.0
