"""``huiyin sessions``: conversations that were kept."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from huiyin.assistant.conversation.session_store import SavedSession, SessionStore, is_session, sessions_folder
from huiyin.assistant.dialogue.items import AssistantItem, SystemNote, ToolCall, ToolResult, UserItem
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.faces.cli.captions import ASSISTANT, head, indented
from huiyin.assistant.faces.cli.shared import UsageError, output_file, to_people
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_COUNT = 9  # columns
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

    text = scenario_of(session.turns, said("shown.a_talk", when=_when(session.started), id=session.id))
    if out is None:
        print(text, end="")
        return
    with output_file(out) as file:
        file.write(text.encode())


def _list(store: SessionStore) -> None:
    sessions = store.all(lambda error: print(to_people(error), file=sys.stderr))
    if not sessions:
        print(said("shown.no_sessions", folder=store.folder))
    for session in sessions:
        title = " ".join(session.title.split())
        title = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
        number = len(session.turns)
        count = said("shown.one_turn" if number == 1 else "shown.turns", count=number)
        print(f"{session.id}  {_when(session.last)}  {padded(count, -_COUNT)}  {title}")


def _shown(session: SavedSession) -> str:
    persona = said("shown.persona", name=session.persona)
    lines = [f"{session.id}  {_when(session.started)}  {persona}", ""]
    for item in session.items:
        match item:
            case UserItem(text, mood, other_voice):
                who = said("notices.other_voice" if other_voice else "notices.you")
                lines.append(head(who) + indented(text) + _mood(mood))
            case AssistantItem(text, interrupted):
                lines.append(head(ASSISTANT) + (indented(text) or "—") + (" —" if interrupted and text else ""))
            case ToolCall(name, arguments):
                lines.append(f"{head(said('shown.tool'))}{name} {arguments}")
            case ToolResult(_, output):
                lines.append(f"      → {output}")
            case SystemNote(text):
                lines.append(head(said("shown.note")) + text)
    return "\n".join(lines)


def _mood(mood: Mood) -> str:
    if not mood.clear:
        return ""
    return f"  ({said('shown.by_words', emotion=mood.clear) if mood.source == 'words' else mood.clear})"


def _delete(store: SessionStore, args: argparse.Namespace) -> None:
    if args.ids and not args.all:
        paths = [store.path(name) for name in dict.fromkeys(args.ids)]
    elif args.all and not args.ids:
        paths = [path for path in store.paths() if path.is_file() and is_session(path)]  # the folder may hold others
    else:
        raise UsageError("cli.which_sessions")
    for path in paths:
        store.delete(path)
    print(said("shown.deleted" if paths else "shown.none_deleted", names=[path.stem for path in paths]))


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
