"""``huiyin sessions``: conversations that were kept."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from huiyin.assistant.conversation.session_store import SavedSession, SessionStore, sessions_folder
from huiyin.assistant.dialogue.items import AssistantItem, SystemNote, ToolCall, ToolResult, UserItem
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.faces.cli.shared import UsageError, output_file
from huiyin.configs.settings import Settings

_TITLE = 48  # characters of the first words, in the list


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status."""
    store = SessionStore(sessions_folder(settings.talk))
    if args.action == "resume":
        from huiyin.assistant.faces.cli import talk  # sound and models are loaded only here

        return talk.run(args, settings)
    if args.action == "list":
        _list(store)
    elif args.action == "show":
        print(_shown(store.get(args.id)))
    elif args.action == "scenario":
        _write_scenario(store.get(args.id), args.out)
    else:
        _delete(store, args)
    return 0


def _write_scenario(session: SavedSession, out: Path | None) -> None:
    """Print the talk as a scenario, or write it to a file."""
    from huiyin.assistant.scenario.from_talk import scenario_of

    text = scenario_of(session.turns, f"A talk on {_when(session.started)}, {session.id}.")
    if out is None:
        print(text, end="")
        return
    with output_file(out) as file:
        file.write(text.encode())


def _list(store: SessionStore) -> None:
    sessions = store.all(lambda error: print(f"huiyin: {error}", file=sys.stderr))
    if not sessions:
        print(f"no sessions in {store.folder}")
    for session in sessions:
        title = " ".join(session.title.split())
        title = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
        count = f"{len(session.turns)} turn{'' if len(session.turns) == 1 else 's'}"
        print(f"{session.id}  {_when(session.last)}  {count:>9}  {title}")


def _shown(session: SavedSession) -> str:
    lines = [f"{session.id}  {_when(session.started)}  persona {session.persona}", ""]
    for item in session.items:
        match item:
            case UserItem(text, mood, other_voice):
                lines.append(f"{' other' if other_voice else '   you'}: {text}" + _mood(mood))
            case AssistantItem(text, interrupted):
                lines.append(f"huiyin: {text or '—'}" + (" —" if interrupted and text else ""))
            case ToolCall(name, arguments):
                lines.append(f"  tool: {name} {arguments}")
            case ToolResult(_, output):
                lines.append(f"      → {output}")
            case SystemNote(text):
                lines.append(f"  note: {text}")
    return "\n".join(lines)


def _mood(mood: Mood) -> str:
    by_words = ", by the words" if mood.source == "words" else ""
    return f"  ({mood.clear}{by_words})" if mood.clear else ""


def _delete(store: SessionStore, args: argparse.Namespace) -> None:
    if args.ids and not args.all:
        paths = [store.path(name) for name in dict.fromkeys(args.ids)]
    elif args.all and not args.ids:
        paths = store.paths()
    else:
        raise UsageError("cli.which_sessions")
    for path in paths:
        store.delete(path)
    print(f"deleted: {', '.join(path.stem for path in paths) or 'nothing, there were none'}")


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
