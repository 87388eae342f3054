"""When an opener is due: a short word of the assistant's own, where its reply will not be there in time.

People say "well," or 嗯 within half a second where they still have to think. An opener that is not needed makes the
reply later, as it is spoken to its end: so it is decided by how long the last replies took.
"""

from __future__ import annotations

from huiyin.assistant.turns.events import NEVER
from huiyin.configs.settings import TurnsSettings

OPENER = -1
"""The number of the opener among the clauses of a reply."""
_UNHEARD = ("key", "off")  # policies by which a user who goes on is not heard while an opener is said


def opener_due_s(policy: TurnsSettings, end_s: float, soonest_s: float, expected_s: float | None) -> float:
    """When the opener is due, if the first sound of the reply is not there by then.

    `end_s`: of the user's speech; `soonest_s`: when it became possible; `expected_s`: when the first sound of the
    reply may be expected, None: not known.
    """
    if not policy.openers or (policy.barge_in in _UNHEARD and not policy.talk_key):
        return NEVER
    due_s = max(end_s + policy.opener_s, soonest_s)
    late_s = max(end_s + policy.opener_late_s, soonest_s)
    if expected_s is None:
        return late_s
    if expected_s - due_s >= policy.opener_gain_s:
        return due_s
    return max(late_s, expected_s + policy.opener_overdue_s)
