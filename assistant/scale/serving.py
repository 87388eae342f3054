"""Programs served by replicas: an address and a router for each, on one event loop, and an eye on the cluster.

`serve` is all of it: it returns when asked to stop, and raises where a program cannot be started.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from huiyin.assistant.scale.directory import LOOK_S, Program, View
from huiyin.assistant.scale.members import Members
from huiyin.assistant.scale.router import Keys, Router
from huiyin.configs.messages import said
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import allow_open_files, serving

_CHECK_S = 2.0
"""Between two looks at what Serve says of the programs; also until a replica that did not answer is tried again."""
_THREADS = 2  # of each address, for what is not passed on: an error's page


class Watched(Protocol):
    """What is needed of a cluster."""

    async def look(self, router: str, seen: int, in_hand: Mapping[str, int]) -> View:
        """What is new; waits for it a moment."""

    def check(self, programs: Sequence[str]) -> None:
        """Raises where one cannot be started."""


@dataclass(frozen=True)
class Address:
    """Of one program, where its clients are."""

    program: Program
    listener: socket.socket
    settings: ServiceSettings
    """With the host and key of this address."""
    url: str
    keys: Keys


async def serve(
    cluster: Watched,
    addresses: Sequence[Address],
    stopped: asyncio.Event,
    tell: Callable[[str], None],
    begin: Callable[[], None] = lambda: None,
) -> None:
    """Until `stopped`; `tell` is given lines for a person. `begin` has the replicas started, once all addresses answer.

    Raises what it or `cluster.check` raises.
    """
    allow_open_files()
    members = {each.program: Members(each.program) for each in addresses}
    threads = ThreadPoolExecutor(_THREADS * len(addresses), thread_name_prefix="request")
    async with contextlib.AsyncExitStack() as stack:
        routers: dict[Program, Router] = {}
        for each in addresses:
            router = routers.get(each.program) or Router(members[each.program], each.keys)
            if each.program not in routers:
                routers[each.program] = router
                await stack.enter_async_context(router.connected())
            # The replicas log each request, and know what it is.
            own = replace(each.settings, access_log=False, listen="")
            await stack.enter_async_context(serving(router.make_app(), own, each.listener, threads))
        watching = [
            asyncio.ensure_future(
                _follow(cluster, members, {each.program: each.url for each in reversed(addresses)}, tell)
            ),
            asyncio.ensure_future(_check(cluster, members, begin)),
        ]
        stopping = asyncio.ensure_future(stopped.wait())
        try:
            done, _ = await asyncio.wait([stopping, *watching], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (stopping, *watching):
                task.cancel()
            await asyncio.gather(stopping, *watching, return_exceptions=True)
    threads.shutdown(wait=False, cancel_futures=True)


async def _follow(
    cluster: Watched, members: Mapping[Program, Members], urls: Mapping[Program, str], tell: Callable[[str], None]
) -> None:
    """Keep the routers' tables, and say what changes."""
    name, seen = secrets.token_hex(4), 0
    counts: dict[Program, int] = dict.fromkeys(members, 0)
    was_ready = False
    while True:
        in_hand = {replica: n for each in members.values() for replica, n in each.in_hand.items()}
        try:
            view = await cluster.look(name, seen, in_hand)
        except Exception:  # of Ray's, of many kinds: the directory starts again, or its node is gone
            await asyncio.sleep(LOOK_S)
            seen = 0
            continue
        seen = view.version
        for line in view.lines:
            tell(line)
        for program, each in members.items():
            if view.members is not None:
                each.update(view.members)
            if (count := len(each.ready())) != counts[program]:
                counts[program] = count
                tell(said("notices.replicas", program=program, count=count, url=urls[program]))
        if not was_ready and all(counts.values()):
            was_ready = True
            tell(said("notices.all_ready"))


async def _check(cluster: Watched, members: Mapping[Program, Members], begin: Callable[[], None]) -> None:
    await asyncio.to_thread(begin)
    while True:
        await asyncio.sleep(_CHECK_S)
        for each in members.values():
            each.find_again()
        await asyncio.to_thread(cluster.check, list(members))
