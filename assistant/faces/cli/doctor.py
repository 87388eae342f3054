"""``huiyin doctor``: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator

from huiyin.assistant.faces.cli.checks import QUESTIONS
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.assistant.faces.cli.echo_check import check_desktop
from huiyin.configs.settings import Settings


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Ask all questions. Returns 0, or 1 when something fails."""
    checks = []
    for check in _findings(settings, echo=args.echo):
        checks.append(check)
        if not args.json:
            advice = f" — {check.advice}" if check.advice else ""
            print(f"{check.level:4}  {check.what}{advice}", flush=True)
    failed = any(check.level == "fail" for check in checks)
    if args.json:
        report = {"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    return 1 if failed else 0


def _findings(settings: Settings, *, echo: bool) -> Iterator[Check]:
    for question in [*QUESTIONS, check_desktop] if echo else QUESTIONS:
        try:
            yield from question(settings)
        except Exception as error:  # the other questions are still worth asking
            name = (question.__doc__ or question.__name__).splitlines()[0]
            yield Check("fail", f"this check failed ({type(error).__name__}: {error}): {name}")
