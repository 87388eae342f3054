"""``huiyin doctor``: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import argparse
import json

from huiyin.assistant.faces.cli.checks import QUESTIONS
from huiyin.assistant.faces.cli.checks.asking import findings
from huiyin.assistant.faces.cli.echo_check import check_desktop
from huiyin.configs.settings import Settings


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Ask all questions. Returns 0, or 1 when something fails."""
    checks = []
    for _, check in findings(settings, [*QUESTIONS, check_desktop] if args.echo else QUESTIONS):
        checks.append(check)
        if not args.json:
            advice = f" — {check.hint()}" if check.hint() else ""
            print(f"{check.level:4}  {check.text()}{advice}", flush=True)
    failed = any(check.level == "fail" for check in checks)
    if args.json:
        rows = [{"level": check.level, "what": check.text(), "advice": check.hint()} for check in checks]
        report = {"ok": not failed, "checks": rows}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    return 1 if failed else 0
