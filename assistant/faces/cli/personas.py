"""``huiyin personas``: who the assistant can be.

Who the assistant can be: its name, its voice, its instructions, its greeting. A persona is a TOML file; copy one of
these to make your own. docs/dialogue.md explains the keys.

  huiyin personas                            the ones that come with Huiyin
  huiyin personas tutor                      one of them: all its instructions
  huiyin personas my_persona.toml            your own: is it right?
  huiyin talk --persona my_persona.toml
"""

from __future__ import annotations

import argparse

from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.dialogue.persona import Persona
from huiyin.configs.settings import Settings

_REPLIES = {"user": "the user's language", "zh": "Chinese", "en": "English"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``personas``."""
    parser.add_argument("persona", nargs="?", metavar="NAME|FILE", help="show this one")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """List the personas, or show one. Returns the exit status."""
    if args.persona:
        print(_description(load_persona(args.persona)))
        return 0
    width = max(map(len, names()))
    for name in names():
        in_use = "  (the one in use)" if name == settings.talk.persona else ""
        print(f"{name:{width}}  {load_persona(name).about}{in_use}")
    return 0


def _description(persona: Persona) -> str:
    rows = {
        "name": persona.name,
        "about": persona.about,
        "voice": persona.voice or "the speech service's own",
        "replies in": _REPLIES[persona.replies_in],
        "greeting": persona.first_words or "none",
    }
    return "\n".join([*(f"{key:10}  {value}" for key, value in rows.items()), "", persona.system])
