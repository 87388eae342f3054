"""When an opener is due, and how long it may be: a word of the assistant's own, where its reply is not there in time.

People say "well," or 嗯 within half a second where they still have to think. An opener that is not needed makes the
reply later, as it is spoken to its end: so it is decided by how long the last replies took, and by how far this one is.
"""

from __future__ import annotations

from huiyin.assistant.turns.events import NEVER
from huiyin.configs.settings import TurnsSettings

OPENER = -1
"""The number of the opener among the clauses of a reply."""
_UNHEARD = ("key", "off")  # policies by which a user who goes on is not heard while an opener is said


def opener_due_s(
    policy: TurnsSettings, end_s: float, soonest_s: float, expected_s: float | None, written_s: float | None
) -> float:
    """When the opener is due, if the first sound of the reply is not there by then.

    `end_s`: of the user's speech; `soonest_s`: when it became possible; `expected_s`: when the first sound of the
    reply may be expected, None: not known; `written_s`: when the voice got its first clause, None: it has none yet.
    """
    if not policy.openers or (policy.barge_in in _UNHEARD and not policy.talk_key):
        return NEVER
    known_s = soonest_s if written_s is None else max(soonest_s, written_s)  # since when so much is known
    due_s, late_s = max(end_s + policy.opener_s, known_s), max(end_s + policy.opener_late_s, known_s)
    if expected_s is not None and expected_s - due_s >= policy.opener_gain_s:
        return due_s
    if written_s is not None:  # a voice that is a little late is there in a moment
        return max(late_s, (written_s if expected_s is None else expected_s) + policy.opener_gain_s)
    return late_s if expected_s is None else max(late_s, expected_s + policy.opener_overdue_s)


def opener_fits_s(now_s: float, expected_s: float | None) -> float:
    """How long an opener that begins now may take without making the reply later, which is expected at `expected_s`;
    0 where that is past or not known."""
    return 0.0 if expected_s is None else max(0.0, expected_s - now_s)
