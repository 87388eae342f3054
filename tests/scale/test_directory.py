"""Who is there, and who is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from huiyin.assistant.scale.directory import SILENT_S, Directory, Member
from huiyin.assistant.scale.members import Members

ONE, OTHER = (Member("asr", name, f"http://127.0.0.1:{port}") for name, port in (("one", 1), ("other", 2)))
DRAINING = Member("asr", "one", ONE.url, draining=True)


@dataclass
class Clock:
    now_s: float = 0.0
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Directory(clock=lambda: self.now_s)


def test_a_router_learns_of_replicas_and_what_they_print() -> None:
    async def play() -> None:
        directory = Clock().directory
        directory.beat(ONE, ["asr: loading"])
        view = await directory.look("r", 0, {})
        assert view.members == (ONE,) and view.lines == ("asr: loading",)
        waiting = asyncio.ensure_future(directory.look("r", view.version, {}))
        await asyncio.sleep(0)
        directory.beat(OTHER)
        later = await waiting
        assert later.members == (ONE, OTHER) and later.version > view.version and later.lines == ()

    asyncio.run(play())


def test_a_replica_hears_its_load_and_when_all_routers_know_its_state() -> None:
    async def play() -> None:
        directory = Clock().directory
        directory.beat(ONE)
        view = await directory.look("a", 0, {})
        await directory.look("a", view.version - 1, {"one": 2})
        await directory.look("b", view.version - 1, {"one": 1})
        assert directory.beat(ONE).in_hand == 3
        beat = directory.beat(DRAINING)
        assert not beat.settled
        for router in "ab":
            await directory.look(router, 0, {})
        assert not directory.beat(DRAINING).settled, "they have been told, and have not come back"
        version = (await directory.look("a", 0, {})).version
        waiting = [asyncio.ensure_future(directory.look(router, version, {})) for router in "ab"]
        await asyncio.sleep(0)
        assert directory.beat(DRAINING).settled
        await asyncio.gather(*waiting)

    asyncio.run(play())


def test_who_is_silent_is_gone() -> None:
    async def play() -> None:
        clock = Clock()
        clock.directory.beat(ONE)
        clock.directory.beat(OTHER)
        version = (await clock.directory.look("a", 0, {})).version
        clock.now_s = SILENT_S / 2
        clock.directory.beat(OTHER)
        clock.now_s = SILENT_S + 1
        view = await clock.directory.look("b", version, {})
        assert view.members == (OTHER,) and clock.directory.routers() == ["b"]

    asyncio.run(play())


def test_a_job_stays_with_a_draining_replica_and_a_conversation_moves() -> None:
    members = Members("asr")
    members.update([ONE, OTHER])
    members.remember(["session a", "0" * 32], ONE)
    assert members.choose(["session a"]) == members.choose(["0" * 32]) == ONE
    members.update([DRAINING, OTHER])
    assert members.choose(["session a"]) == OTHER and members.choose(["0" * 32]) == DRAINING
    members.lose(OTHER)
    assert members.choose() is None
    members.find_again()
    assert members.choose() == OTHER
