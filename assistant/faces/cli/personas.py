"""``huiyin personas``: who the assistant can be."""

from __future__ import annotations

import argparse

from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.dialogue.persona import Persona
from huiyin.configs.settings import Settings

_REPLIES = {"user": "the user's language", "zh": "Chinese", "en": "English"}


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
