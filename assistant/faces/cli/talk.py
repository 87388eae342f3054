"""`huiyin talk`: a conversation across the desk."""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import AbstractContextManager, nullcontext

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona, reference
from huiyin.assistant.conversation.session_store import SavedSession, SessionStore, SessionWriter, sessions_folder
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.devices import CHOOSE_ANOTHER
from huiyin.assistant.faces.cli.keyboard import TalkKey, has_terminal, keyboard
from huiyin.assistant.faces.cli.shared import USAGE, CommandError
from huiyin.assistant.faces.cli.show_prompt import PromptPrinter
from huiyin.assistant.ports.desktop import DesktopPort, SilentPort
from huiyin.assistant.ports.devices import find_device, list_devices
from huiyin.assistant.ports.port import AudioPort, DriverError, PortError
from huiyin.configs.settings import Settings


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Talk until Ctrl-C. Returns the exit status."""
    captions = Captions()
    store = SessionStore(sessions_folder(settings.talk))
    session = store.get(args.resume) if args.resume else None
    name = args.persona or (session.persona if session else settings.talk.persona)
    persona = load_persona(name)
    if not args.text:
        missing = _no_microphone()
        if missing and args.demo_if_silent:
            print(
                f"{missing}\nPlaying the demo instead: a second voice is the user, in a simulated room.\n", flush=True
            )
            from huiyin.assistant.faces.cli import demo

            return demo.run(args, settings)
        if missing:
            raise PortError(f"{missing}. Plug one in, or type instead: huiyin talk --text; or listen: huiyin demo")
        if not has_terminal() and (settings.turns.barge_in == "key" or settings.turns.talk_key):
            raise CommandError("the talk key needs a terminal in front of the program", USAGE)
    port, speak = _port(args, settings, captions)
    keeps = _keeps(store, session, reference(name), settings, captions)
    with Launcher(settings, args.service_arguments, captions.notice) as launcher:
        captions.notice("starting …")
        needed = {"asr": not args.text, "llm": True, "tts": speak}
        launcher.start(name for name in NAMES if needed[name])
        conversation = assemble(
            launcher.services,
            persona,
            port,
            captions.notice,
            listen=not args.text,
            speak=speak,
            greeting=persona.opening() if settings.talk.greet and not session else (),
            history=session.history() if session else None,
        )
        conversation.observe(captions)
        if args.show_prompt:
            conversation.observe(PromptPrinter())
        if keeps:
            conversation.observe(keeps)
        if session:
            captions.notice(f"session {session.id} goes on, after {len(session.turns)} turns")
        if args.text:
            captions.notice("type, Enter sends, Ctrl-C ends")
            threading.Thread(target=_read_lines, args=(conversation,), name="keyboard", daemon=True).start()
        try:
            with nullcontext() if args.text else _talk_key(conversation, settings, captions):
                conversation.run()
        except DriverError as error:
            raise PortError(f"{error}; {CHOOSE_ANOTHER}") from error
        except KeyboardInterrupt:
            captions.notice("goodbye")
    if keeps and keeps.is_kept:
        captions.notice(f"to go on: huiyin talk --resume {keeps.path.stem}")
    return 0


def _keeps(
    store: SessionStore, session: SavedSession | None, persona: str, settings: Settings, captions: Captions
) -> SessionWriter | None:
    """What writes the conversation down, if anything does."""
    if not settings.talk.sessions:
        return None
    return store.go_on(session, captions.notice) if session else store.begin(persona, captions.notice)


def _talk_key(conversation: Conversation, settings: Settings, captions: Captions) -> AbstractContextManager[None]:
    """The space bar, where there is a terminal."""
    if not has_terminal():
        captions.notice("speak; Ctrl-C ends")
        return nullcontext()
    push_to_talk = settings.turns.talk_key
    what = "begins and ends your turn" if push_to_talk else "stops the assistant"
    captions.notice(f"{'' if push_to_talk else 'speak; '}the space bar {what}; Ctrl-C ends")
    key = TalkKey(lambda down: conversation.key(pressed=down), captions.notice, push_to_talk=push_to_talk)
    return keyboard(key)


def _no_microphone() -> str:
    """Why nobody can be heard, in words; '' when there is a microphone."""
    try:
        inputs = [device for device in list_devices() if device.inputs > 0]
    except PortError as error:
        return str(error)
    return "" if inputs else "No microphone was found on this machine"


def _port(args: argparse.Namespace, settings: Settings, captions: Captions) -> tuple[AudioPort, bool]:
    """The sound port, and whether anything can be heard."""
    input_name, output_name = args.input or settings.audio.input_device, args.output or settings.audio.output_device
    if args.text:
        try:
            has_output = any(device.outputs > 0 for device in list_devices())
        except PortError:
            has_output = False
        if not has_output:
            return SilentPort(), False
    if input_name and not args.text:
        find_device(input_name, "input")  # a name that is wrong is told before the services are started
    if output_name:
        find_device(output_name, "output")
    port = DesktopPort(
        input_name, output_name, latency_s=settings.audio.latency_s, microphone=not args.text, tell=captions.notice
    )
    return port, True


def _read_lines(conversation: Conversation) -> None:
    """Typed lines, one turn each. Somebody at a keyboard may interrupt; lines from a pipe wait for what is said."""
    for line in sys.stdin:
        if line.strip():
            if not sys.stdin.isatty():
                conversation.quiet.wait()
            conversation.type(line.strip())
    conversation.stop_when_quiet()
