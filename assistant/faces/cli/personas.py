"""``huiyin personas``: who the assistant can be."""

from __future__ import annotations

import argparse

from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.configs.messages import language, said
from huiyin.configs.settings import Settings

_REPLIES = {"user": "shown.replies_user", "zh": "shown.replies_zh", "en": "shown.replies_en"}
_TITLES = 10  # columns


def run(args: argparse.Namespace, settings: Settings) -> int:
    """List the personas, or show one. Returns the exit status."""
    if args.persona:
        print(_description(load_persona(args.persona)))
        return 0
    width = max(map(len, names()))
    for name in names():
        in_use = f"  {said('shown.in_use')}" if name == settings.talk.persona else ""
        print(f"{name:{width}}  {load_persona(name).about_in(language())}{in_use}")
    return 0


def _description(persona: Persona) -> str:
    rows = {
        "shown.persona_name": persona.name,
        "shown.persona_about": persona.about_in(language()),
        "shown.persona_voice": persona.voice or said("shown.default_voice"),
        "shown.persona_replies_in": said(_REPLIES[persona.replies_in]),
        "shown.persona_greeting": persona.first_words or said("shown.none"),
    }
    lines = [f"{padded(said(key), _TITLES)}  {value}" for key, value in rows.items()]
    return "\n".join([*lines, "", persona.system])
