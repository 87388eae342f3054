"""Who asks the embedded model next, and when it is suspended."""

from __future__ import annotations

import random
from collections import Counter

from huiyin.services.llm.fair_queue import FairQueue, Ticket

NOW = 100.0


def joined(queue: FairQueue, *names: str) -> list[Ticket]:
    """Tickets that have joined, by their session's name; "a*" is in the background."""
    tickets = [Ticket(name.rstrip("*"), background=name.endswith("*")) for name in names]
    for ticket in tickets:
        queue.join(ticket)
    return tickets


def order(queue: FairQueue, *names: str) -> str:
    """The order in which requests that came in the order of `names` are answered."""
    tickets = dict(zip(joined(queue, *names), names, strict=True))
    answered = []
    while queue.running:
        answered.append(tickets[queue.running])
        queue.leave(queue.running)
    return " ".join(answered)


def test_sessions_have_turns_and_each_keeps_its_own_order() -> None:
    assert order(FairQueue(), "a", "a", "a", "b", "c", "b") == "a b c a b a"


def test_a_session_that_has_just_been_answered_stands_behind_the_others() -> None:
    queue = FairQueue()
    first, _, _ = joined(queue, "a", "a", "b")
    queue.leave(first)
    assert queue.running and queue.running.session == "b"


def test_replies_go_before_requests_in_the_background() -> None:
    assert order(FairQueue(), "a", "b*", "c", "a*", "b") == "a c b a* b*"


def test_a_request_in_the_background_is_preempted_by_a_reply_and_keeps_the_model_until_it_has_ended() -> None:
    queue = FairQueue()
    warm, reply = joined(queue, "a*", "b")
    assert warm.preempted and queue.running is warm
    queue.leave(warm)
    assert queue.running is reply
    late, other = joined(queue, "a*", "b")
    assert not (reply.preempted or late.preempted or other.preempted)


def test_who_leaves_while_waiting_is_not_served() -> None:
    queue = FairQueue()
    first, waiting, last = joined(queue, "a", "b", "c")
    queue.leave(waiting)
    queue.leave(first)
    queue.leave(first)
    assert queue.running is last


def test_a_suspension_lasts_while_all_that_is_written_belongs_to_those_who_asked_for_it() -> None:
    queue = FairQueue()
    reply, _ = joined(queue, "a", "b*")
    queue.hold("a", NOW + 2)
    assert queue.suspended_until(NOW) == NOW + 2
    (other,) = joined(queue, "b")
    assert queue.suspended_until(NOW) == NOW, "the other session's words must not wait"
    queue.hold("b", NOW + 1)
    assert queue.suspended_until(NOW) == NOW + 1
    assert queue.suspended_until(NOW + 1.5) == NOW + 1.5
    queue.leave(other)
    assert queue.suspended_until(NOW + 1.5) == NOW + 2
    queue.leave(reply)
    assert queue.suspended_until(NOW + 3) == NOW + 3


def test_without_a_reply_being_written_anyone_may_suspend_the_model() -> None:
    queue = FairQueue()
    queue.hold("a", NOW + 2)
    queue.hold("", NOW + 1)
    assert queue.suspended_until(NOW) == NOW + 2
    queue.hold("a", NOW)
    assert queue.suspended_until(NOW) == NOW + 1


def test_a_session_that_asks_for_a_reply_ends_its_own_suspension() -> None:
    queue = FairQueue()
    queue.hold("a", NOW + 2)
    joined(queue, "a*")
    assert queue.suspended_until(NOW) == NOW + 2
    (reply,) = joined(queue, "a")
    assert queue.suspended_until(NOW) == NOW
    queue.leave(reply)
    assert queue.suspended_until(NOW) == NOW


def test_in_any_order_of_events_no_session_has_two_turns_while_another_waits_for_its_first() -> None:
    chance = random.Random(7)
    for _ in range(100):
        queue, tickets = FairQueue(), list[Ticket]()
        turns: dict[Ticket, Counter[str]] = {}  # of each session since the ticket has joined
        for _ in range(100):
            ran = queue.running
            if chance.random() < 0.5 or not tickets:
                tickets.append(Ticket(chance.choice("abcd"), background=chance.random() < 0.3))
                turns[tickets[-1]] = Counter()
                queue.join(tickets[-1])
            else:
                leaver = ran if ran and chance.random() < 0.7 else chance.choice(tickets)
                tickets.remove(leaver)
                queue.leave(leaver)
            assert (queue.running is None) == (not tickets), "the model is never idle while a request waits"
            if queue.running in (ran, None) or queue.running.background:
                assert queue.running in (ran, None) or all(ticket.background for ticket in tickets)
                continue
            for ticket in tickets:
                if not ticket.background:
                    turns[ticket][queue.running.session] += 1
                    own = turns[ticket][ticket.session]
                    assert all(count <= own + 1 for count in turns[ticket].values())
