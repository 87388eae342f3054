"""``huiyin web``: the page in a browser, and one address for OpenAI clients."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import segno
from flask import Flask

from huiyin.assistant.clients.keeper import Keeper
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Name
from huiyin.assistant.conversation.assemble import check_voice
from huiyin.assistant.conversation.persona_files import load_all
from huiyin.assistant.faces.cli.chosen import absent_services, model_choice, settle
from huiyin.assistant.faces.cli.shared import UsageError
from huiyin.assistant.faces.cli.terminal import with_control_characters
from huiyin.assistant.faces.live.server import LiveServer
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.app import make_app
from huiyin.assistant.faces.web.door_key import KEY_VARIABLE, DoorKey, door_key
from huiyin.assistant.faces.web.latency import Latencies
from huiyin.assistant.faces.web.tls import Certificate, host_addresses, self_signed
from huiyin.configs.messages import said
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings, load
from huiyin.services.common import logs
from huiyin.services.common.access import EVERYWHERE, called_here, is_loopback, url_of
from huiyin.services.common.serve import listener_of, serve

_SELF_SIGNED = "self-signed"
_ELSEWHERE = ("192.0.2.1", 9)  # an address for documentation (RFC 5737), of no machine; nothing is sent there


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve the page until Ctrl-C. Returns the exit status."""
    given = {"host": args.host, "port": args.port}
    settings = load(args.profile, [*args.set, *(f"web.{key}={v}" for key, v in given.items() if v is not None)])
    logs.install(settings.service, "web")
    web = settings.web
    personas = load_all(settings.talk.persona)  # a wrong name is found before models are loaded
    check_installed(absent_services(settings), settings)  # so is a package that is missing
    key, certificate = door_key(web), _certificate(args.tls)
    context = certificate.context() if certificate else None
    own = replace(settings.service, host=web.host, api_key="")
    listener = listener_of(own, web.port)
    # Where any was wanted, the one that was free; what browsers know, where another program passes requests on.
    port = web.port if own.listen else int(listener.getsockname()[1])
    door = Door(key.key, port)
    log = _Log(settings)
    with (
        listener,
        model_choice(args, settings, log.say) as choice,
        Launcher(settings, args.service_arguments, log.say, log.show) as launcher,
    ):
        services, latencies, keeper = launcher.services, Latencies(), Keeper(launcher)
        realtime = RealtimeServer(settings, services, personas, on_session=latencies.watch)
        _announce(settings, port, key, certificate, log)

        def make() -> Flask:
            app = make_app(services, realtime, door, personas, latency=latencies.facts, standing=keeper.standing)
            LiveServer(realtime.host).mount(app)
            return app

        def accompany() -> None:  # the page is there at once, and says what is not ready yet
            if not args.no_open and _has_screen():
                address = _address(called_here(web.host), port, certificate)
                _open(f"{address}login?key={door.invite()}" if door.key else address)
            settle(choice, settings)
            launcher.start(NAMES)
            check_voice(services, next(iter(personas.values())))
            log.say(said("notices.services_ready"))
            keeper.run()

        serve(make, own, port, listener=listener, tls=context, meanwhile=accompany)
    return 0


def _certificate(tls: Sequence[str] | None) -> Certificate | None:
    """What ``--tls`` asks for. Raises UsageError."""
    match tls or ():
        case ():
            return None
        case (word,) if word == _SELF_SIGNED:
            return self_signed()
        case (path, key_path):
            return Certificate(Path(path).expanduser(), Path(key_path).expanduser())
    raise UsageError("cli.tls_what")


class _Log:
    """What is told meanwhile: lines for a person; where the log is JSON, objects, and beside them the services' own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.service
        self.is_json = self._settings.log_format == "json"

    def say(self, words: str) -> None:
        """A line of this program."""
        self._write(logs.line(self._settings, "web", words) if self.is_json else words)

    def show(self, name: Name, line: str) -> None:
        """A line that a service has printed."""
        if self.is_json:
            self._write(line if line.startswith("{") else logs.line(self._settings, name, line))

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a full disk or a closed terminal: the program goes on
            print(f"{line}\n", end="", file=sys.stderr, flush=True)  # in one piece: several threads write lines


def _announce(settings: Settings, port: int, key: DoorKey, certificate: Certificate | None, log: _Log) -> None:
    """Where it is, how one gets in, and what a browser will say."""
    host = settings.web.host
    is_local = is_loopback(host)
    address = _address(host if is_local else _there(host), port, certificate)
    if key.is_made:
        link = f"{address}login?key={key.key}"
        print(f"huiyin web: {link}\n", flush=True)
        segno.make(link, error="l").terminal(with_control_characters(sys.stdout), compact=True)
    else:
        if log.is_json:
            log.say(address)
        else:
            print(f"huiyin web: {address}", flush=True)
        if key.key:
            log.say(said("notices.asks_for_key"))
        elif hosts := [name for name in settings.service.hosts if not is_loopback(name.strip("[]"))]:
            log.say(said("notices.hosts_without_key", hosts=hosts, variable=KEY_VARIABLE))
    if certificate:
        log.say(said("notices.fingerprint", fingerprint=certificate.fingerprint()))
    elif not is_local:
        log.say(said("notices.no_tls"))
    log.say(said("notices.ctrl_c"))


def _address(host: str, port: int, certificate: Certificate | None) -> str:
    return f"{url_of(host, port, 'https' if certificate else 'http')}/"


def _there(host: str) -> str:
    """How other machines call it."""
    if host not in EVERYWHERE:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)  # chooses the way, and with it the address
            return str(probe.getsockname()[0])
        except OSError:
            return host_addresses()[0]


def _has_screen() -> bool:
    """Whether a browser can show itself; a text browser in this terminal would only be in the way."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    """Show `url` in a browser; some browsers take seconds to start."""
    threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()
