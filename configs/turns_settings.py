"""The section `turns` of the settings: all that the turn machine decides by."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting


@dataclass(frozen=True)
class TurnsSettings:
    """Whose turn it is: every number that the turn machine decides by (see `assistant/turns`).

    `p_...` are probabilities, 0..1, that the user's turn is complete.
    """

    endpoint_s: float = setting(0.5, "silence that ends the user's turn where no model judges it", low=0.1, high=5)
    endpoint_model: bool = setting(True, "smart-turn judges by the sound whether a turn is complete")
    endpoint_words: str = setting(
        "auto",
        "a small language model judges by the words, too; auto: unless the LLM is the embedded one, whose replies come "
        "later than people pause and which wants the cores for itself",
        choices=("auto", "always", "never"),
    )
    endpoint_sure_s: float = setting(
        0.25, "silence after a turn that is complete by sound and words; people leave 0.2", low=0.05, high=5
    )
    endpoint_doubtful_s: float = setting(
        0.85,
        "where sound and words differ, or are awaited; people pause for 0.2-0.7 within a sentence, and it takes 0.1 to "
        "hear them go on",
        low=0.05,
        high=5,
    )
    endpoint_unsure_s: float = setting(1.2, "after one that sounds as if it went on", low=0.1, high=10)
    endpoint_longest_s: float = setting(2.0, "a longer silence is an answer to nothing", low=0.2, high=20)
    endpoint_unfinished_s: float = setting(
        0.8,
        "waited longer after 'because', 'um', half a number: the model alone calls 3 in 4 such Chinese cuts complete",
        low=0,
        high=5,
    )
    p_words: float = setting(
        0.27,
        "the language model is believed from here on: few long pauses reach it (`python -m benchmarks.latency_judges`)",
        low=0,
        high=1,
    )
    p_few_words: float = setting(0.02, "... after few words: 'play jazz' has 0.4, 'my name' 0.000", low=0, high=1)
    few_words: int = setting(3, "fewer are few: a language model seldom ends a message there", low=0, high=20)
    p_sound_confirmed: float = setting(
        0.5, "smart-turn is believed from here on where the text is complete, too", low=0, high=1
    )
    p_sound_unmarked: float = setting(
        0.97, "... where the recogniser sets marks but ended this text without one", low=0, high=1
    )
    p_sound_alone: float = setting(0.9, "... where the text says nothing", low=0.5, high=1)
    p_sound_incomplete: float = setting(0.1, "below it smart-turn is sure that more will come", low=0, high=0.4)
    unmarked_turns: int = setting(
        3, "a recogniser that has set no mark in so many turns in a row sets none", low=1, high=100
    )
    speculate_s: float = setting(
        0.096, "silence after which the pause is judged and the reply prepared; 0: none is prepared", low=0, high=2
    )
    max_speculations: int = setting(
        3, "tries a turn; those in pauses where the words go on are not counted, up to `max_tries`", low=0, high=20
    )
    max_tries: int = setting(
        12, "in all, with those in pauses where the words go on and where only the energy dropped", low=0, high=100
    )
    speculate_max_turn_s: float = setting(20.0, "none for a longer turn: it costs too much", low=0, high=120)
    early_asr_s: float = setting(
        0.12, "a recogniser no slower is asked when the energy drops, before the pause is sure", low=0, high=2
    )
    drop_reach_s: float = setting(
        0.12, "a pause that begins so much later than the energy drop is another one", low=0, high=1
    )
    possible_speech_s: float = setting(
        0.096, "no reply begins for so long after possible speech: it takes three frames to be sure", low=0, high=1
    )
    possible_speech_longest_s: float = setting(
        0.25, "nor is one delayed for longer: a knock is possible speech, too", low=0, high=2
    )
    hurry_s: float = setting(
        0.3, "after the last known clause began, the next is wanted: it lasts 1 s at least", low=0, high=5
    )
    barge_in: str = setting(
        "voice",
        "'voice': speaking interrupts; 'key': the talk key does; 'off': half duplex, microphone muted during playback",
        choices=("voice", "key", "off"),
    )
    barge_in_s: float = setting(0.192, "six frames of speech pause the assistant", low=0.032, high=2)
    ask_early_s: float = setting(
        0.3, "speech that is transcribed while it goes on: 'stop' should work at once", low=0.1, high=5
    )
    confirm_s: float = setting(0.5, "speech with words that stops it; shorter is judged when it ends", low=0.1, high=5)
    doubt_s: float = setting(
        1.0, "speech that stops it whatever the words; a listener's 'mm-hmm' is shorter", low=0.2, high=10
    )
    pause_lag_s: float = setting(
        0.192, "a pause in an interruption is known so much later than it began: five frames and a block", low=0, high=1
    )
    resume_s: float = setting(0.65, "silence after which it goes on: there was no interruption", low=0.1, high=5)
    echo_tail_s: float = setting(
        2.0, "after the assistant's last sound an echo of its words may still be recognised", low=0, high=20
    )
    talk_key: bool = setting(False, "true: push-to-talk, speech counts while the key is held; for loud rooms")
    max_turn_s: float = setting(60.0, "a longer turn is answered as it stands", low=5, high=600)
    asr_timeout_s: float = setting(10.0, "then a spoken apology, and the loop goes on", low=0.5, high=120)
    llm_timeout_s: float = setting(20.0, "to the first words of the reply", low=0.5, high=120)
    tts_timeout_s: float = setting(10.0, "to the first sound of a clause", low=0.5, high=120)
    llm_idle_timeout_s: float = setting(8.0, "between two pieces of a reply", low=0.5, high=120)
