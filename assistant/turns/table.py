"""The page about turns, from the code: `python -m huiyin.assistant.turns.table > docs/turns.md`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator

from huiyin.assistant import turns
from huiyin.assistant.turns import actions, events, own_echo, similarity
from huiyin.assistant.turns import machine as machine  # its methods enter themselves into the table
from huiyin.assistant.turns.transitions import BY_TIME, MEANINGS, TRANSITIONS, Handler, State, Transition
from huiyin.configs.reasons import reasons
from huiyin.configs.settings import TurnsSettings

_PAGE = """\
# Whose turn it is

<!-- Made by `python -m huiyin.assistant.turns.table > docs/turns.md`: change the code, not this page. -->

The turn machine (`assistant/turns/`) takes events with a time and answers with actions. It has no clock, no threads and
no I/O: the live loop and the tests drive the very same object. {rules}

## States

{states}

```mermaid
stateDiagram-v2
    [*] --> LISTENING
{arrows}
```

## What happens

Where a cell is empty an event does nothing. After → stands which state may be next; it may always stay as it is.

{table}

## Events

{events}

## Actions

{actions}

## Policies

Each is a file that can be read in a minute.

| file | decides | why so |
|---|---|---|
| `endpointing.py`, `text_judge.py` | how long a pause lasts before it ends the user's turn. Where a language model \
judges the words: {endpoint_complete_s} when by words and sound together it is complete with p ≥ {p_complete}, growing \
to {endpoint_doubtful_s} at {p_goes_on}, and to {endpoint_unsure_s} where more is sure to come; {endpoint_doubtful_s} \
until they are judged. Where it does not: {endpoint_sure_s} when the endpoint model says "complete" with \
p ≥ {p_sound_confirmed} to {p_sound_unmarked}, by the marks that the recogniser sets, else from \
{endpoint_doubtful_s} on, but {endpoint_doubtful_s} after finished words (吗, please); {endpoint_s} without a model. \
After one word ("one", 北京; not "yes") the sound is not believed. An unfinished text (然后, 因为, \
and, um, a comma) adds {endpoint_unfinished_s}. Never above {endpoint_longest_s} | People leave 200 ms, \
and pause for 200-700 ms within a sentence. Words and sound together tell an end from such a pause better than either \
(docs/performance.md) |
| `dictation.py`, `dictated_kinds.py`, `spelt.py` | what is dictated (telephones, codes, cards, plates, addresses, \
e-mail, dates, amounts, spelt names), by the words before it or the assistant's last question, and whether it has its \
length: {endpoint_s} at most when it has, {dictation_part_s} at least when it has not, {dictation_open_s} where it may \
go on, whatever sound and words say | A group of digits sounds and reads like an end |
| `interruption.py` | what speech during a reply is. The reply is paused after {barge_in_s}. It is stopped when the \
speech has lasted {confirm_s} and has words, or {doubt_s} whatever they are (a listener's first words: {listening_s}), \
or when it ended and its words are neither a listener's nor the assistant's own. It goes on when they are, or after \
{resume_s} of silence | Never stop a reply on one trigger: a pause can be taken back, and listening on in silence \
costs nothing |
| `whose_voice.py` | with an enrolled voice and `talk.other_voices` unanswered: speech over a reply is judged after \
{voice_s}, or at its end where it had {voice_least_s}. Until it is known, {voice_wait_s} at most, it does not take the \
floor, but by words that order silence. Another's lets the reply go on, and what follows of it is judged again and \
again | A television must not stop a reply, and the user's "wait" must not come later: meanwhile the reply is silent |
| `backchannel.py`, `listening_words.py`, `evaluating_words.py` | 嗯, 哈哈, 原来如此, mm-hmm, um, "oh, that's so sad": \
alone they take no turn. Words of no list do ("that's expired", 好疼啊), and what ends with a question mark, unless it \
echoes in surprise ("really?", 真的吗？). Over the end of a question only hesitation, laughter and surprise do not: \
"yes" is the answer | Listeners say \
them so that the other goes on |
| `stop_words.py` | 停, 算了, stop, one moment: silence at once, recognised after {ask_early_s} of speech; alone, put \
politely or with a reason (稍等一下，我接个电话) they get no reply | Who says stop wants silence, not an answer |
| `own_echo.py` | a transcript that matches the assistant's words of the {own_echo.IN_THE_AIR_S:g} s around its onset \
to {similarity.SIMILAR:.0%} is an echo of them. Not where the ears have found that its sound is no echo, or it goes on \
for more than {echo_tail_s} after the assistant fell silent; nor, unless its sound is one, when it asks back \
or is what people say again (`said_again.py`: one of the options of an offer or a list that is asked about, a code, \
what is to be repeated) or a yes or no in the words of the question (`confirmation.py`); what has stopped the reply \
stays the user's; shorter than {own_echo.LEAST_ZH} Chinese or \
{own_echo.LEAST_LATIN} Latin letters ({own_echo.LEAST_ZH_FINISHED} and {own_echo.LEAST_LATIN_FINISHED} \
after its last sound) it never is | \
A user who answers "tea or coffee?" with "coffee" repeats what was said: in doubt it is an answer |
| `opener.py` | when an opener is asked for: not before {opener_s} after the user's last sound, and only where by the \
last replies the first sound of this one is {opener_gain_s} away or more; where nothing is known, or it is \
{opener_overdue_s} overdue ({opener_gain_s} once its first clause is with the voice), after {opener_late_s}. One is \
chosen that is over by then, else the shortest. A user who goes on over it goes on with the same turn | \
It is spoken to its end: where services are quick it would make the reply later |
| `overlap.py` | with `barge_in` ignore, what the user says during a reply: turns that are transcribed after a pause \
of {endpoint_s} and answered after the reply | A client may decide itself whether a reply is stopped |
| `reply.py` | the first clause is synthesised while the pause still lasts, the others once the turn is over; it may \
be a single word ("Sure,") where none is written {hurry_first_s} after the user's last sound, or where the first \
sound of the last replies came within {quick_s}; the \
next clause grows while the voice is ahead: {hurry_s} before it must be asked for (by what the last ones took to \
sound) what is whole is given, or else the next cut as early as the first; every stage has a \
deadline, and an apology follows where it is missed | A wrong guess costs one clause |

A reply may call tools. They are called once its text is complete and it has begun to be played, or at the end of the
turn where it has no words: never for a reply that is prepared in vain.

A reply stopped before a word was heard leaves no trace in the history. One stopped midway is remembered up to the word
heard, and the user's next message begins with a line that says where it was cut off, so that "go on" works. (A mark in
the reply itself taught a small model to break off its own sentences.)

## Settings

`huiyin talk --set turns.<name>=<value>`; all of them: `huiyin settings`.

| name | default | why |
|---|---|---|
{settings}
"""


def page() -> str:
    """The page, as Markdown."""
    rules = (turns.__doc__ or "").split("obeys:")[1].strip()
    return _PAGE.format(
        rules="Its rules:\n\n" + rules,
        states="\n".join(f"- **{state.name}**: {meaning}" for state, meaning in MEANINGS.items()),
        arrows=_arrows(),
        table=_table(),
        events=_listed(events, events.Event),
        actions=_listed(actions, actions.Action),
        settings="\n".join(_setting(field) for field in dataclasses.fields(TurnsSettings)),
        own_echo=own_echo,
        similarity=similarity,
        **_policy_numbers(),
    )


def _policy_numbers() -> dict[str, str]:
    """The numbers of the default policy, written out: 'barge_in_s' -> '192 ms'."""
    return {name: _written(name, value) for name, value in vars(TurnsSettings()).items() if not isinstance(value, str)}


def _written(name: str, value: float) -> str:
    if not name.endswith("_s"):
        return f"{value:g}"
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def _rows() -> Iterator[tuple[str, dict[State, Transition]]]:
    """What brings a transition about, and what it is in each state."""
    yield from ((event.__name__, row) for event, row in TRANSITIONS.items())
    yield from (("time passes", row) for row in BY_TIME.values())


def _arrows() -> str:
    """Which state may follow which, and what brings it about."""
    causes: dict[tuple[State, State], dict[str, None]] = {}
    for cause, row in _rows():
        for state, transition in row.items():
            for following in transition.to:
                if following is not state:
                    causes.setdefault((state, following), {})[cause] = None

    return "\n".join(f"    {a.name} --> {b.name}: {', '.join(names)}" for (a, b), names in causes.items())


def _table() -> str:
    """A row for each handler: the events that have it called, what it does, what may follow in each state."""
    causes: dict[Handler, dict[str, None]] = {}
    following: dict[Handler, dict[State, str]] = {}
    for cause, row in _rows():
        for state, transition in row.items():
            to = " or ".join(other.name for other in transition.to)
            causes.setdefault(transition.handler, {})[cause] = None
            following.setdefault(transition.handler, {})[state] = f"→ {to}" if to else "stays"
    lines = ["| event | what happens | " + " | ".join(state.name for state in State) + " |", "|---" * 7 + "|"]
    for handler, names in causes.items():
        cells = (following[handler].get(state, "") for state in State)
        lines.append(f"| {', '.join(names)} | {_says(handler)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _says(documented: object) -> str:
    return " ".join((inspect.getdoc(documented) or "").format_map(_policy_numbers()).split())


def _listed(module: object, base: type) -> str:
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
    return "\n".join(
        f"- `{kind.__name__}`: {_says(kind)}"
        for kind in kinds
        if kind not in (base, events.ReplyEvent) and kind.__module__ == module.__name__  # type: ignore[attr-defined]
    )


def _setting(field: dataclasses.Field[object]) -> str:
    return f"| {field.name} | {field.default} | {reasons(TurnsSettings)[field.name]} |"


if __name__ == "__main__":
    print(page(), end="")
