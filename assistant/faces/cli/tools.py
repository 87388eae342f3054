"""``huiyin tools``: what the assistant can do, and what calls of it give."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.assistant.tools.assemble import open_tools
from huiyin.assistant.tools.own import ToolError
from huiyin.assistant.tools.servers_file import usual_file
from huiyin.assistant.tools.toolbox import prompt_tokens
from huiyin.configs.messages import FOLDER, language, said
from huiyin.configs.nearest import nearest
from huiyin.configs.settings import Settings
from huiyin.configs.tables import read_table

_EFFECTS = {
    "reads": "notices.effect_reads",
    "acts": "notices.effect_acts",
    "dangerous": "notices.effect_dangerous",
}


_EFFECT_WIDTH = 10  # columns
_DESCRIPTIONS = FOLDER / "zh" / "tools.toml"


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status."""
    persona = load_persona(settings.talk.persona).name
    with open_tools(settings, persona, lambda text: print(text, file=sys.stderr), every=True) as tools:
        toolbox = tools.toolbox
        if args.action == "list":
            for tool in toolbox.all:
                effect = padded(said(_EFFECTS[tool.effect]), _EFFECT_WIDTH)
                print(f"{tool.name:<24} {effect} {_chinese().get(tool.name) or _first_line(tool.description)}")
            offered = toolbox.offered
            print("\n" + said("notices.tools_offered", count=len(offered), tokens=prompt_tokens(offered)))
            print(said("notices.tools_file", path=settings.tools.servers or usual_file()))
            return 0
        if toolbox.find(args.name) is None:
            known = [tool.name for tool in toolbox.all]
            raise UsageError("cli.no_tool", name=args.name, near=nearest(args.name, known))
        try:
            print(toolbox.call(args.name, _arguments(args.arguments)).one())
        except ToolError as error:
            raise CommandError("cli.tool_failed", name=args.name, why=error) from error
    return 0


def _chinese() -> dict[str, str]:
    """Tool -> what it does, where the user reads Chinese."""
    return read_table(_DESCRIPTIONS) if language() == "zh" else {}


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise UsageError("cli.arguments_not_json", why=error) from None
    if not isinstance(arguments, dict):
        raise UsageError("cli.arguments_not_json", why=said("shown.not_an_object"))
    return arguments


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
