"""``huiyin serve wyoming``: recogniser, voice and assistant for Home Assistant."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import importlib.util
import sys
from typing import TYPE_CHECKING

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Name
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.assistant.tools.assemble import open_tools
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings
from huiyin.services.common.access import EVERYWHERE, called_here, is_loopback
from huiyin.services.common.notify import tell_ready

if TYPE_CHECKING:
    from huiyin.assistant.faces.wyoming.server import Wyoming

_PORT = 10300  # that of other Wyoming recognisers
_KINDS = ("asr", "tts", "handle")
_NEEDS: dict[str, Name] = {"asr": "asr", "tts": "tts", "handle": "llm"}


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until Ctrl-C. Returns the exit status."""
    if importlib.util.find_spec("wyoming") is None:
        raise CommandError("cli.no_wyoming")
    host, port = args.host or "127.0.0.1", _PORT if args.port is None else args.port
    if not is_loopback(host) and not args.insecure:
        raise UsageError("cli.wyoming_has_no_key", host=host)
    if not 0 < port < 65536:
        raise UsageError("cli.wyoming_port", port=port)
    kinds = tuple(dict.fromkeys(args.only or _KINDS))
    persona = load_persona(settings.talk.persona)
    own = dataclasses.replace(settings, service=dataclasses.replace(settings.service, host="127.0.0.1"))
    with Launcher(own, args.service_arguments, _say) as launcher, open_tools(own, persona.name, _say) as tools:
        launcher.start([_NEEDS[kind] for kind in kinds])
        from huiyin.assistant.faces.wyoming.server import Wyoming  # needs the extra

        door = Wyoming(launcher.services, persona, kinds=kinds, toolbox=tools.toolbox)
        with contextlib.suppress(KeyboardInterrupt):  # also right after this line
            _say(f"huiyin wyoming: tcp://{called_here(host)}:{port} ({', '.join(kinds)}); " + said("notices.ctrl_c"))
            asyncio.run(_serve(door, host, port))
    return 0


async def _serve(door: Wyoming, host: str, port: int) -> None:
    if not is_loopback(host) and importlib.util.find_spec("zeroconf"):  # else it is added by its address
        from wyoming.zeroconf import HomeAssistantZeroconf

        found = HomeAssistantZeroconf(port, "huiyin", None if host in EVERYWHERE else host)
        await found.register_server()
    tell_ready()
    await door.serve(f"tcp://{host}:{port}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
