"""A conversation goes before files: while it is alive, the recogniser of this machine leaves them waiting."""

from __future__ import annotations

from functools import cache

from huiyin.assistant.conversation.session import Session
from huiyin.configs.settings import Settings
from huiyin.services.common.live_work import LiveWork, Presence


def mark_live(session: Session, settings: Settings) -> None:
    """Whatever happens in `session` is a sign of life, from now on."""
    presence = presence_at(settings.asr.port)
    presence.renew()
    session.observe(lambda at_s, event: presence.renew(), at_once=True)


@cache
def presence_at(port: int) -> Presence:
    """That of this process for the recogniser at `port`: one for all conversations."""
    return Presence(LiveWork(port))
