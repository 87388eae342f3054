"""The models of this machine, as the commands that converse see to them: `--ask`, and the lines that are told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from huiyin.assistant.clients.model_choice import ModelChoice
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.configs.settings import Settings


def model_choice(args: argparse.Namespace, settings: Settings, tell: Callable[[str], None]) -> ModelChoice:
    """The choice for this command; with ``--ask`` the user is asked. Raises StoreError, LadderError."""
    ask = ask_user if getattr(args, "ask", False) else None
    return ModelChoice(settings, args.profile, args.set, tell, ask)


def settle(choice: ModelChoice, settings: Settings) -> None:
    """Choose where that is due; a service that runs already has its model."""
    if choice.ladders and all(look(Services(settings), name).kind == "absent" for name in NAMES):
        choice.settle()


def ask_user(lines: Sequence[str]) -> bool:
    """Whether the user agrees; yes without a terminal. The lines have been printed."""
    if not sys.stdin.isatty():
        return True
    return input("Is that right? [Y/n] ").strip().lower() in ("", "y", "yes")
