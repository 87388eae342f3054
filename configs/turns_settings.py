"""The section `turns` of the settings: all that the turn machine decides by."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting


@dataclass(frozen=True)
class TurnsSettings:
    """Whose turn it is: every number that the turn machine decides by (see `assistant/turns`).

    `p_...` are probabilities, 0..1, that the user's turn is complete. `at_most`: two that are swapped contradict each
    other. What only cuts others short, as `endpoint_longest_s`, may be below them.
    """

    endpoint_s: float = setting(0.5, low=0.1, high=5)
    """silence that ends the user's turn where no model judges it, and after something dictated that has its length"""
    endpoint_complete_s: float = setting(0.535, low=0.1, high=5)
    """silence after a turn that is complete by its words and sound: most pauses within a sentence are over by then, and
    few of the longer ones are called complete"""
    endpoint_model: bool = setting(True)
    """a model judges by the sound whether a turn is complete"""
    endpoint_words: str = setting("auto", choices=("auto", "always", "never"))
    """a small language model judges by the words, too; auto: unless the LLM is the embedded one, whose replies come
    later than people pause and which wants the cores for itself"""
    endpoint_sure_s: float = setting(0.25, low=0.05, high=5)
    """silence after a turn that is complete by its sound and text, where no language model judges that; people leave
    0.2"""
    endpoint_doubtful_s: float = setting(0.85, low=0.05, high=5)
    """where sound and words leave it open (`p_goes_on`), or are awaited; people pause for 0.2-0.7 within a sentence,
    and it takes 0.1 to hear them go on"""
    endpoint_unsure_s: float = setting(1.2, low=0.1, high=10)
    """silence after a turn that sounds as if it went on: a pause to think is mostly shorter"""
    endpoint_longest_s: float = setting(2.0, low=0.2, high=20)
    """a longer silence is an answer to nothing"""
    endpoint_unfinished_s: float = setting(0.8, low=0, high=5)
    """waited longer after 'because', 'um', a comma: the sound of such a cut is often that of an end"""
    dictation_part_s: float = setting(1.6, low=0, high=10)
    """silence, at least, where what is dictated has less than its length: people look up the next group"""
    dictation_open_s: float = setting(1.25, low=0, high=10)
    """silence, at least, where what is dictated may go on: people leave up to 1.0 between groups, and it takes 0.1
    to hear them go on"""
    p_complete: float = setting(0.3, low=0.001, high=1)
    """a turn is complete from here on, by its words and its sound together: few long pauses reach it
    (`python -m benchmarks.latency_judges`)"""
    p_goes_on: float = setting(0.2, low=0.001, high=1, at_most="p_complete")
    """below it more will rather come; from here on to `p_complete` the silence falls from `endpoint_doubtful_s` to
    `endpoint_complete_s`, evenly with the log-odds"""
    sound_weight: float = setting(1.0, low=0, high=5)
    """how much the log-odds of the sound count beside those of the words; the sound tells more of people, the words of
    synthetic voices"""
    p_sound_surest: float = setting(0.95, low=0.5, high=0.999)
    """the sound counts for no more than this beside the words, and for no less than 1 minus this: words that leave no
    doubt outvote it"""
    p_sound_unjudged: float = setting(0.37, low=0.01, high=0.99)
    """the sound where it is not judged: the words must then have 0.42"""
    p_few_words: float = setting(0.05, low=0, high=1)
    """the language model is believed from here on after few words that sound complete: 'yes please' has 0.33, 'my name'
    0.000, the first half of 打开客厅的灯 0.017, of a misheard 换一首歌 0.035"""
    few_words: int = setting(3, low=0, high=20)
    """a turn of fewer words has few: a language model seldom ends a message there"""
    p_sound_confirmed: float = setting(0.5, low=0, high=1, at_most="p_sound_alone")
    """the sound is believed from here on where the text is complete, too"""
    p_sound_unmarked: float = setting(0.75, low=0, high=1)
    """the sound is believed from here on where the recogniser sets marks but ended this text without one, which
    speaks against an end"""
    p_sound_alone: float = setting(0.6, low=0.5, high=1, at_most="p_sound_unmarked")
    """the sound is believed from here on where the text says nothing, and nothing confirms it"""
    p_sound_incomplete: float = setting(0.1, low=0, high=0.4, at_most="p_sound_confirmed")
    """from here on down the sound is sure that more will come, and the silence may be the longest"""
    unmarked_turns: int = setting(3, low=1, high=100)
    """a recogniser that has set no mark in so many turns in a row sets none"""
    speculate_s: float = setting(0.096, low=0, high=2)
    """silence after which the pause is judged and the reply prepared; 0: none is prepared"""
    max_speculations: int = setting(3, low=0, high=20)
    """replies prepared in a turn, at most: each costs the models' time; those in pauses where the words go on are
    not counted, up to `max_tries`"""
    max_tries: int = setting(12, low=0, high=100)
    """replies prepared in a turn, with those in pauses where the words go on and where only the energy dropped: they
    cost time, too"""
    speculate_max_turn_s: float = setting(20.0, low=0, high=120)
    """in a longer turn no reply is prepared: to recognise it anew in each pause costs too much"""
    early_asr_s: float = setting(0.12, low=0, high=2)
    """a recogniser no slower is asked when the energy drops, before the pause is sure"""
    drop_reach_s: float = setting(0.12, low=0, high=1)
    """a pause that begins so much later than the energy drop is another one"""
    possible_speech_s: float = setting(0.096, low=0, high=1)
    """no reply begins for so long after possible speech: it takes three frames to be sure"""
    possible_speech_longest_s: float = setting(0.25, low=0, high=2)
    """no reply is delayed for longer by possible speech: a knock is that, too"""
    hurry_s: float = setting(0.3, low=0, high=5)
    """the next clause is wanted so much before the voice must begin with it: it may not be whole yet"""
    hurry_first_s: float = setting(0.6, low=0, high=10)
    """a reply whose first clause is not written so long after the user's last sound may begin with a single word"""
    quick_s: float = setting(0.5, low=0, high=5)
    """a reply may begin with a single word, too ("sure,"), where the first sound of the last ones came so soon after
    the model was asked: the next clause is then there before that word is over"""
    openers: bool = setting(True)
    """a short word of the assistant's own ("well,") where its reply will not be there in time"""
    opener_s: float = setting(0.45, low=0.2, high=10, at_most="opener_late_s")
    """an opener comes so long after the user's last sound, at least; people leave 0.2, and what comes sooner talks
    over them"""
    opener_gain_s: float = setting(0.45, low=0, high=10)
    """the shortest openers take 0.4-0.6 to say: the reply must be expected so much later; a voice that has its first
    clause may be so late (`python -m benchmarks.openers`)"""
    opener_overdue_s: float = setting(0.2, low=0, high=10)
    """a reply that is so much later than expected gets an opener, too: it may take much longer"""
    opener_late_s: float = setting(1.0, low=0.2, high=30)
    """the soonest for an opener, after the user's last sound, where the reply is overdue, or it is not known when to
    expect it: by then the silence is noticed"""
    replies: bool = setting(True)
    """false: the user's turns are transcribed and kept; the assistant speaks when a program asks for it"""
    speaks: bool = setting(True)
    """false: what a program asks for waits, too, until this is true again"""
    barge_in: str = setting("voice", choices=("voice", "key", "off", "ignore"))
    """'voice': speaking interrupts, as among people; 'key': the talk key does; 'off': half duplex, microphone muted
    during playback; 'ignore': what is said during a reply is the next turn"""
    barge_in_s: float = setting(0.192, low=0.032, high=2, at_most="confirm_s")
    """six frames of speech pause the assistant: a knock or a cough is shorter"""
    ask_early_s: float = setting(0.3, low=0.1, high=5)
    """speech that is transcribed while it goes on: 'stop' should work at once; again after as long, if a listener's"""
    confirm_s: float = setting(0.5, low=0.1, high=5, at_most="doubt_s")
    """speech with words that stops it; shorter is judged when it ends"""
    doubt_s: float = setting(1.0, low=0.2, high=10, at_most="listening_s")
    """speech that stops it whatever it may say"""
    listening_s: float = setting(2.0, low=0.2, high=10)
    """speech that stops it unless its words so far, asked for again and again, are a listener's: 'oh, that's so sad'
    takes longer"""
    pause_lag_s: float = setting(0.192, low=0, high=1)
    """a pause in an interruption is known so much later than it began: five frames and a block"""
    voice_s: float = setting(1.0, low=0.3, high=5)
    """speech over a reply whose voice is judged, where `talk.other_voices` is unanswered: after less, in a noisy
    room, too many users are taken for another. Of another voice again after as long: the user may have joined in"""
    voice_least_s: float = setting(0.6, low=0.3, high=5, at_most="voice_s")
    """speech over a reply that is over sooner is judged at its end from here on (`short_likeness`); what is shorter
    counts whoever says it"""
    voice_wait_s: float = setting(0.4, low=0, high=2)
    """a voice is awaited for so long while the reply is paused (it takes 0.05 to tell it), then as where none is
    enrolled"""
    least_likeness: float = setting(0.25, low=-1, high=1)
    """a voice less like the enrolled one is another's (`python -m benchmarks.speakers --enrolled`)"""
    short_likeness: float = setting(0.125, low=-1, high=1)
    """so like the enrolled one a voice must be in `voice_least_s` of speech over a reply, and more in longer speech, up
    to `least_likeness` at 1.5: less sound tells less, and to pass over the user is worse than to stop for another"""
    resume_s: float = setting(0.65, low=0.1, high=5)
    """after so much silence it goes on, as there was no interruption: a pause within one is mostly shorter"""
    echo_tail_s: float = setting(0.65, low=0, high=20)
    """after the assistant's last sound its echo is still heard, by devices, network and room; speech that goes on for
    longer is the user's"""
    talk_key: bool = setting(False)
    """true: push-to-talk, speech counts while the key is held; for loud rooms"""
    max_turn_s: float = setting(60.0, low=5, high=600)
    """a longer turn is answered as it stands: a television never pauses"""
    asr_timeout_s: float = setting(10.0, low=0.5, high=120)
    """to the text of a turn; then a spoken apology, and the loop goes on"""
    llm_timeout_s: float = setting(20.0, low=0.5, high=120)
    """to the first words of the reply; then a spoken apology: some upstreams may have been tried by then"""
    tts_timeout_s: float = setting(10.0, low=0.5, high=120)
    """to the first sound of a clause; then an apology follows, whose sound was made before"""
    llm_idle_timeout_s: float = setting(8.0, low=0.5, high=120)
    """between two pieces of a reply; a longer silence is a server that hangs, and the reply ends"""
