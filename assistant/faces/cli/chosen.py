"""The models of this machine, as the commands that converse see to them: `--ask`, and the lines that are told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence

from huiyin.assistant.clients.model_choice import ModelChoice
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services
from huiyin.configs.messages import said
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings


def model_choice(args: argparse.Namespace, settings: Settings, tell: Callable[[str], None]) -> ModelChoice:
    """The choice for this command; with ``--ask`` the user is asked. Raises StoreError, LadderError."""
    ask = ask_user if getattr(args, "ask", False) else None
    return ModelChoice(settings, args.profile, args.set, tell, ask)


def settle(choice: ModelChoice, settings: Settings, names: Collection[Name] = NAMES) -> None:
    """Choose where that is due, and have the models that settings name; a service that runs already has its model.

    `names`: the services that are needed; where nothing is chosen for them, nothing is for the others.

    Here and not in the services, whose output is not seen: a fetch shows how far it is. Raises StoreError for a model
    that a setting names and that cannot be had, and LibraryMissing.
    """
    if len(absent_services(settings)) < len(NAMES):
        return
    is_due = any(name in choice.ladders for name in names)
    check_installed(NAMES if is_due else names, settings)  # before gigabytes are fetched for nothing
    if is_due:
        choice.settle()
    for model in _named_models(choice, settings, names):
        choice.store.ensure(model)


def absent_services(settings: Settings) -> list[Name]:
    """The services that do not run yet."""
    return [name for name in NAMES if look(Services(settings), name).kind == "absent"]


def _named_models(choice: ModelChoice, settings: Settings, names: Collection[Name]) -> Iterator[str]:
    """The models of the store that settings name for these services, of the parts that are not chosen for."""
    own = {file.name.partition("/")[0] for file in choice.store.catalog.files}
    named = {"asr": settings.asr.model} if settings.asr.has_embedded else {}
    if settings.llm.has_embedded:
        named["llm"] = settings.llm.model
    yield from (model for part, model in named.items() if part in names and part not in choice.ladders and model in own)


def ask_user(lines: Sequence[str]) -> bool:
    """Whether the user agrees; yes without a terminal. The lines have been printed."""
    if not sys.stdin.isatty():
        return True
    return input(said("shown.agree")).strip().lower() in ("", "y", "yes", "是")
