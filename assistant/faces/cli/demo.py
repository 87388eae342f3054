"""`huiyin demo`: a whole conversation where there is no sound hardware.

A scenario at live depth: a second voice plays the user through a simulated room, in real time, into the real loop and
the real services.
"""

from __future__ import annotations

import argparse

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.trace import Trace
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.chosen import model_choice, settle
from huiyin.assistant.faces.cli.demo_report import DemoReport, write_report
from huiyin.assistant.faces.cli.peak_memory import MemoryWatch
from huiyin.assistant.faces.cli.shared import INTERRUPTED, CommandError
from huiyin.assistant.scenario.api import parse
from huiyin.assistant.scenario.real_time import LiveRunner
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings, with_overrides

_TURNS = (
    {"user": "你好，请介绍一下你自己。"},
    {"user": "今天下班有点累，晚饭吃什么好呢？"},
    {"user": "What is the capital of France?"},
    {"user": "Please tell me a short story about a lighthouse."},
    {"user": "Sorry, how tall was that lighthouse?", "after": "reply starts + 2500 ms"},
)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play the demo; write its files. Returns the exit status."""
    captions = Captions()
    if args.persona:
        settings = with_overrides(settings, [f"talk.persona={args.persona}"])
    load_persona(settings.talk.persona)  # a wrong name is reported before the services start
    args.out.mkdir(parents=True, exist_ok=True)  # so is a folder that cannot be made
    with (
        model_choice(args, settings, captions.notice) as choice,
        Launcher(settings, args.service_arguments, captions.notice) as launcher,
        MemoryWatch() as memory,
    ):
        settle(choice, settings)
        captions.notice(said("notices.starting_services"))
        launcher.start(NAMES)
        captions.notice(said("notices.learning_lines"))
        scenario = parse({"turns": list(_TURNS)}, "demo")
        live, trace = LiveRunner(scenario, args.seed, Services(settings), "room", captions.notice), Trace()
        for observer in (captions, trace):
            live.observe(observer)
        captions.notice(said("notices.listening_to_room", lines=len(_TURNS)) + "\n")
        try:
            log = live.run().log
        except KeyboardInterrupt:
            captions.notice(said("notices.stopped"))
            return INTERRUPTED
    report = DemoReport(trace, log, memory.peak_mb)
    files = write_report(report, args.out)
    print(f"\n{report.table()}\n\n{', '.join(map(str, files))}")
    if not report.complete(len(_TURNS)):
        raise CommandError("cli.demo_incomplete", answered=len(report.turns), lines=len(_TURNS))
    return 0
