"""``huiyin serve … --ray``: replicas of the programs on a cluster of Ray's, behind the addresses that clients know."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote

from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.assistant.faces.web.door_key import door_key
from huiyin.assistant.scale.arrange import Arrangement, Place
from huiyin.assistant.scale.directory import PROGRAMS, Program
from huiyin.assistant.scale.environment import prepare
from huiyin.assistant.scale.plan import make_plan
from huiyin.assistant.scale.serving import Address, Watched, serve
from huiyin.configs.choice.record import recorded_values
from huiyin.configs.messages import said
from huiyin.configs.packages.extras import LibraryMissing, check_installed, commands_for
from huiyin.configs.settings import Settings, named_profile, own_settings
from huiyin.services.common import logs
from huiyin.services.common.access import check_key_is_set, url_of
from huiyin.services.common.serve import listen

_RAY = "ray[serve]"


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until Ctrl-C. Returns the exit status."""
    if args.service == "wyoming":
        raise UsageError("ray.not_wyoming")
    if args.port is not None or args.tls or args.insecure:
        raise UsageError("ray.no_such_option")
    if args.host is not None:
        service, web = replace(settings.service, host=args.host), replace(settings.web, host=args.host)
        settings = replace(settings, service=service, web=web)
    check_key_is_set(settings.service.host, settings.service.api_key)
    programs: Sequence[Program] = PROGRAMS if args.service == "all" else (args.service,)
    check_installed([name for name in programs if name != "web"], settings)
    prepare(args.ray)
    try:
        from huiyin.assistant.scale import cluster
    except ModuleNotFoundError as error:
        raise LibraryMissing("packages.missing", packages=[_RAY], commands=commands_for(["ray"])) from error

    def say(line: str) -> None:
        _say(settings, line)

    for name in programs:  # before anything is started in vain
        listen(*_place(settings, name)).close()
    with contextlib.ExitStack() as stack:
        say(said("notices.ray_starts", address=args.ray) if args.ray else said("notices.ray_starts_here"))
        there = stack.enter_context(cluster.connected(args.ray))
        if there.routers():
            raise CommandError("ray.already_serving", address=args.ray)
        plan = make_plan(settings, programs, there.cpus, there.gpus)
        for each in plan:
            say(said("notices.ray_plan", **vars(each)))
        made_key = "" if there.is_local else secrets.token_urlsafe()
        arrangement = Arrangement(settings, there.host, door_key(settings.web).key, made_key)
        addresses = [_open(stack, place) for place in arrangement.places(programs)]
        arguments = _arguments(args, settings, is_local=there.is_local)
        stack.callback(there.stop, programs)
        starts = {name: arrangement.start(name, arguments, os.environ) for name in programs}
        if "web" in programs and arrangement.door_key:
            print(f"huiyin web: {url_of(*_place(settings, 'web'))}/login?key={quote(arrangement.door_key)}", flush=True)
        asyncio.run(_until_stopped(there, addresses, say, lambda: there.deploy(plan, starts)))
        say(said("notices.ray_ends"))
    return 0


async def _until_stopped(
    there: Watched, addresses: Sequence[Address], say: Callable[[str], None], begin: Callable[[], None]
) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await serve(there, addresses, stopped, say, begin)


def _open(stack: contextlib.ExitStack, place: Place) -> Address:
    """Raises PortTaken."""
    listener = stack.enter_context(listen(place.host, place.port))
    url = url_of(place.host, listener.getsockname()[1])
    return Address(place.program, listener, place.settings, url, place.keys)


def _place(settings: Settings, program: Program) -> tuple[str, int]:
    """(host, port) that clients know."""
    host = settings.web.host if program == "web" else settings.service.host
    return host, getattr(settings, program).port


def _arguments(args: argparse.Namespace, settings: Settings, *, is_local: bool) -> list[str]:
    """The settings of this command, for programs on any node: also which models this machine has chosen."""
    arguments = list(args.service_arguments)
    if is_local or not settings.store.choose or named_profile(args.profile):
        return arguments
    chosen = recorded_values(settings.store.path, own_settings(args.set))
    return [*(word for section, key, value in chosen for word in ("--set", f"{section}.{key}={value}")), *arguments]


def _say(settings: Settings, line: str) -> None:
    """A line of ours, or one that a program has printed: those name the program, or are JSON."""
    is_whole = line.startswith(("{", *(f"{name}: " for name in PROGRAMS)))
    text = line if is_whole else logs.line(settings.service, "huiyin", line)
    with contextlib.suppress(OSError):  # the terminal is gone: the programs go on
        print(text, file=sys.stderr, flush=True)
