"""A router in a thread of the test's own process, in front of servers that the test makes; no Ray."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from huiyin.assistant.scale.directory import Beat, Directory, Member, Program, View
from huiyin.assistant.scale.router import Keys
from huiyin.assistant.scale.serving import Address, serve
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import listen
from tests.support.limits import PATIENCE_S, until


@dataclass
class Behind:
    """The router's address, and its replicas."""

    url: str = ""
    program: Program = "asr"
    told: list[str] = field(default_factory=list)
    """The lines for a person."""
    directory: Directory = field(default_factory=lambda: Directory(clock=lambda: 0.0))
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    async def look(self, router: str, seen: int, in_hand: Mapping[str, int]) -> View:
        """See `huiyin.assistant.scale.serving.Watched`."""
        return await self.directory.look(router, seen, in_hand)

    def check(self, programs: Sequence[str]) -> None:
        """Likewise."""

    def beat(self, name: str, port: int = 0, *, draining: bool = False) -> Beat:
        """A replica says that it is there."""
        member = Member(self.program, name, f"http://127.0.0.1:{port}", draining)
        return self._call(lambda: self.directory.beat(member))  # type: ignore[return-value]

    def leave(self, name: str) -> None:
        """A replica ends."""
        self._call(lambda: self.directory.leave(name))

    def until_settled(self, name: str, port: int, *, draining: bool = False) -> None:
        """The router knows it so."""
        until(lambda: self.beat(name, port, draining=draining).settled)

    def _call(self, do: object) -> object:
        async def call() -> object:
            return do()  # type: ignore[operator]

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(PATIENCE_S)


@contextmanager
def router(
    replicas: Mapping[str, int], program: Program = "asr", settings: ServiceSettings | None = None, key: str = ""
) -> Iterator[Behind]:
    """A router for replicas (name -> port), once it knows them. `key`: shown to them."""
    settings = settings or ServiceSettings()
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    behind, stopped = Behind(url, program), asyncio.Event()
    address = Address(program, listener, settings, url, Keys(key))
    running = serve(behind, [address], stopped, behind.told.append)
    thread = threading.Thread(target=behind.loop.run_until_complete, args=(running,), daemon=True)
    thread.start()
    try:
        until(lambda: behind.directory.routers())
        for name, port in replicas.items():
            behind.until_settled(name, port)
        yield behind
    finally:
        behind.loop.call_soon_threadsafe(stopped.set)
        thread.join(PATIENCE_S)
        behind.loop.close()
