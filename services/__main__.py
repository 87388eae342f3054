"""``python -m huiyin.services asr|llm|tts``: one service. ``huiyin serve`` is the friendlier face of it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from dataclasses import replace

# Before any native library is loaded: with threads that spin while they wait, the LLM generates 5 tokens a second
# instead of 22 on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from huiyin.configs import messages
from huiyin.configs import settings as config
from huiyin.configs.errors import HuiyinError
from huiyin.services.common import logs
from huiyin.services.common.access import check_key_is_set, url_of
from huiyin.services.common.heap import few_arenas
from huiyin.services.common.registry import import_object
from huiyin.services.common.serve import PortTaken, listener_of, listens_on, serve, stop_with_parent

APPS = {
    "asr": "huiyin.services.asr.app:make_app",
    "llm": "huiyin.services.llm.app:make_app",
    "tts": "huiyin.services.tts.app:make_app",
}


def main(argv: list[str] | None = None) -> int:
    """Run one service until it is stopped. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m huiyin.services", description=__doc__)
    parser.add_argument("service", choices=APPS)
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the service's own, 7870 asr, 21002 llm, 7889 tts)")
    parser.add_argument("--profile", help="settings profile: a name in configs/ or a TOML file")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    parser.add_argument("--insecure", action="store_true", help="let other machines in without a key")
    parser.add_argument("--stop-with-parent", action="store_true", help="end when standard input closes")
    args = parser.parse_args(argv)
    few_arenas()
    overrides = list(args.set)
    if args.host is not None:
        overrides.append(f"service.host={args.host}")
    if args.port is not None:
        overrides.append(f"{args.service}.port={args.port}")
    try:
        settings = config.load(args.profile, overrides)
        if not args.insecure:
            check_key_is_set(listens_on(settings.service), settings.service.api_key)
    except config.SettingsError as error:
        return _complain(error)
    logs.install(settings.service, args.service)
    if args.stop_with_parent:
        stop_with_parent()
    service = settings.service
    if args.service == "llm":  # a reply on its way occupies a thread that mostly waits
        service = replace(service, threads=max(service.threads, settings.llm.streams))
    try:
        _serve(args.service, settings, service)
    except (PortTaken, config.SettingsError) as error:
        return _complain(error)
    return 0


def _complain(error: HuiyinError) -> int:
    """In the language of the command that has started this service. Returns the exit status."""
    language = os.environ.get("HUIYIN_LANG", "")
    words = messages.with_hint(error.key, error.facts, language)
    print(f"huiyin{messages.colon(language)}{words}", file=sys.stderr)
    return error.exit_status


def _serve(name: str, settings: config.Settings, service: config.ServiceSettings) -> None:
    """Serve until stopped; where, is printed once requests are accepted. Raises PortTaken."""
    listener = listener_of(service, getattr(settings, name).port)
    host, port = listener.getsockname()[:2]  # where any port was wanted, the one that was free
    where = f"listening at {url_of(host if service.listen else service.host, port)}, log level {service.log_level}"

    def announce() -> None:
        with contextlib.suppress(OSError):  # standard output is closed: the service goes on
            print(logs.line(service, name, where), flush=True)

    serve(lambda: import_object(APPS[name])(settings), service, port, listener=listener, meanwhile=announce)


if __name__ == "__main__":
    sys.exit(main())
