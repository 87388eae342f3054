"""Twenty users at once, for minutes, who talk, cut in and leave in the middle: they are answered, nothing is left.

`make soak`: a quarter of an hour; without SOAK_MINUTES three minutes.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.clients.at_rest import GROWTH_MB, at_rest
from tests.clients.soak_user import SoakUser
from tests.clients.talk_services import SAID, TalkServices, for_client, speech
from tests.support.realtime_server import server_process

pytestmark = [pytest.mark.slow, pytest.mark.soak]

MINUTES = float(os.environ.get("SOAK_MINUTES", "3"))
USERS = 20
WARM_UP_S = 20.0
MOST_UNANSWERED = 0.01
"""Of the turns. It should be 0: of a few hundred, one that cuts in has got no answer on a machine of two busy cores."""
PATIENT = {f"turns_{stage}_timeout_s": 30 for stage in ("asr", "llm", "tts")}  # a busy machine is no failure


def test_twenty_users_are_answered_and_leave_nothing_behind(tmp_path: Path) -> None:
    sounds = {name: for_client(speech(text)) for name, text in SAID.items()}
    with (
        TalkServices() as services,
        server_process(tmp_path / "server.log", realtime_sessions=2 * USERS, **PATIENT, **services.ports) as server,
    ):
        users = [SoakUser(f"{server.url.replace('http', 'ws', 1)}/v1/realtime", sounds, seed) for seed in range(USERS)]
        asyncio.run(_live(users, WARM_UP_S))
        before = at_rest(server)
        asyncio.run(_live(users, MINUTES * 60))
        after = at_rest(server, before)

    done = sum((user.done for user in users), Counter[str]())
    print(f"{USERS} users, {MINUTES:g} minutes: {dict(done)}; before {before}, after {after}")
    assert done["answered"] >= USERS and done["cut in"] and done["left"]
    assert done["unanswered"] <= MOST_UNANSWERED * done["answered"]
    assert after["threads"] <= before["threads"]
    assert after["sockets"] <= before["sockets"]
    assert after["memory_mb"] <= before["memory_mb"] + GROWTH_MB
    assert "Traceback" not in server.log.read_text()


async def _live(users: list[SoakUser], seconds: float) -> None:
    until_s = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(user.live(until_s) for user in users))
