"""The numbers the machine decides by, in seconds; where they come from stands in `configs/settings.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from huiyin.assistant.turns.endpointing import EndpointPolicy

NEVER = float("inf")  # a time that does not come


@dataclass(frozen=True)
class TurnPolicy:
    """Everything a conversation may want different."""

    endpoint: EndpointPolicy = field(default_factory=EndpointPolicy)
    speculate_s: float = 0.096  # silence after which a reply is prepared and the pause is judged; 0: no preparing
    max_speculations: int = 3  # in pauses that might have been the end
    max_tries: int = 12  # so many a turn with those in what may be no pause, or in one where the words go on
    dip_asr_s: float = 0.12  # it is not waited to be sure while the recogniser answers within this: it costs little
    dip_reach_s: float = 0.12  # a pause that begins so much later than the dip was another one
    judge_sound: bool = False  # somebody can tell by the sound whether a turn is complete
    judge_words: bool = False  # somebody can tell by the words whether a turn is complete
    speculate_max_turn_s: float = 20.0
    barge_in: Literal["voice", "key", "off"] = "voice"
    barge_in_s: float = 0.192  # speech that pauses the assistant
    ask_early_s: float = 0.3  # speech after which its words are asked for, to hear "stop" while it is said
    confirm_s: float = 0.5  # speech with words that stops the assistant
    doubt_s: float = 1.0  # speech that stops it whatever the words; a listener's "mm-hmm" is shorter
    pause_lag_s: float = 0.192  # a pause in an interruption is known so long after it began: 5 frames and a block
    stir_s: float = 0.096  # no reply begins while this long ago somebody may have begun to speak ...
    stir_longest_s: float = 0.25  # ... but no reply is held back for longer: a knock is no speech
    resume_s: float = 0.65  # silence after which the assistant goes on
    hurry_s: float = 0.3  # when the last clause there is has been heard so long, of 1 s at least, a next one is wanted
    echo_tail_s: float = 2.0  # after the assistant's last sound its own words may still be heard
    talk_key: bool = False  # push-to-talk
    max_turn_s: float = 60.0
    asr_timeout_s: float = 10.0
    llm_timeout_s: float = 20.0
    llm_idle_timeout_s: float = 8.0
    tts_timeout_s: float = 10.0
