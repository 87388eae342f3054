"""`huiyin talk`: a conversation across the desk."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.keeper import Keeper
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.observers import together
from huiyin.assistant.conversation.persona_files import load_persona, reference
from huiyin.assistant.conversation.session_store import SessionStore, sessions_folder
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.chosen import model_choice, settle
from huiyin.assistant.faces.cli.controls import TalkControls
from huiyin.assistant.faces.cli.keyboard import TalkKey, has_terminal, keyboard
from huiyin.assistant.faces.cli.options import parse
from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.assistant.faces.cli.show_prompt import PromptPrinter
from huiyin.assistant.faces.cli.typed import TypedCaptions, TypedLines
from huiyin.assistant.ports.desktop import DesktopDevice, SilentDevice
from huiyin.assistant.ports.devices import find_device, list_devices
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Duplex, PortError
from huiyin.assistant.tools.assemble import open_tools
from huiyin.assistant.tools.found_facts import find_facts
from huiyin.assistant.tools.memory import Memory
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings
from huiyin.services.common import logs


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Talk until Ctrl-C. Returns the exit status."""
    logs.install(settings.service, "talk")
    captions = TypedCaptions(prompts=has_terminal()) if args.text else Captions()
    store = SessionStore(sessions_folder(settings.talk))
    session = store.get(args.resume) if args.resume else None
    if args.wake:
        settings = replace(settings, talk=replace(settings.talk, wake=args.wake))
    if settings.talk.wake:
        WakePhrase(settings.talk.wake)  # a phrase that is too short is an error before the services are started
        settings = replace(settings, talk=replace(settings.talk, greet=False))
    name = args.persona or (session.persona if session else settings.talk.persona)
    persona = load_persona(name)
    if not args.text:
        missing = _no_microphone()
        if missing and args.demo_if_silent:
            print(missing)
            print(said("notices.demo_instead"), flush=True)
            from huiyin.assistant.faces.cli import demo

            return demo.run(argparse.Namespace(**vars(parse("demo", [])) | vars(args)), settings)
        if missing:
            raise CommandError("cli.no_microphone", why=missing)
        if not has_terminal() and (settings.turns.barge_in == "key" or settings.turns.talk_key):
            raise UsageError("cli.no_terminal")
    device = _device(args, settings, captions)
    speak, port = not isinstance(device, SilentDevice), LocalPort(device)
    controls = TalkControls(name, port.loudspeaker if speak else None)
    writer = None
    if settings.talk.private:
        captions.notice(said("privacy.private"))
    elif settings.talk.sessions and session:
        writer = store.go_on(session, captions.notice)
    elif settings.talk.sessions:
        writer = store.begin(reference(name), captions.notice)
    with (
        model_choice(args, settings, captions.notice) as choice,
        Launcher(settings, args.service_arguments, captions.notice) as launcher,
        open_tools(settings, persona.name, captions.notice, controls) as tools,
    ):
        is_needed = {"asr": not args.text, "llm": True, "tts": speak}
        needed = [name for name in NAMES if is_needed[name]]
        settle(choice, settings, needed)
        captions.notice(said("notices.starting"))
        launcher.start(needed)
        threading.Thread(target=Keeper(launcher).run, name="keeper", daemon=True).start()
        conversation = assemble(
            launcher.services,
            persona,
            port,
            captions.notice,
            listen=not args.text,
            speak=speak,
            greeting=persona.opening() if settings.talk.greet and not session else (),
            history=session.history() if session else None,
            toolbox=tools.toolbox,
            reminders=tools.reminders,
            recall=tools.recall,
        )
        controls.conversation = conversation
        if settings.talk.wake and not args.text:
            captions.notice(said("notices.asleep", phrase=settings.talk.wake))
        controls.services = launcher.services if speak else None
        conversation.observe(together(captions, PromptPrinter()) if args.show_prompt else captions)
        words: list[str] = []
        conversation.observe(lambda at_s, event: words.extend(_words(event)))
        if writer:
            conversation.observe(writer)
        if session:
            captions.notice(said("notices.session_goes_on", id=session.id, turns=len(session.turns)))
        try:
            with ExitStack() as talk:
                talk.callback(captions.over)
                talk.enter_context(_keys(conversation, args, settings, captions))
                conversation.run()
        except KeyboardInterrupt:
            captions.notice(said("notices.goodbye"))
        if settings.talk.find_facts and not settings.talk.private:
            _remember(launcher.services, tools.memory, words, captions.notice)
    if writer and writer.is_kept:
        count = writer.turns_not_kept
        key = "notices.to_go_on_without" if count else "notices.to_go_on"
        captions.notice(said(key, id=writer.path.stem, count=count))
    return 0


def _words(event: on.Public) -> list[str]:
    """What the user said in a turn, where it was they."""
    if isinstance(event, on.TurnCommitted) and not event.transcript.other_voice and event.turn.user:
        return [event.turn.user]
    return []


def _remember(services: Services, memory: Memory, words: Sequence[str], tell: Callable[[str], None]) -> None:
    """Keep the facts that the user told. A model that does not answer, or Ctrl-C, ends it."""
    if not words:
        return
    tell(said("notices.looks_for_facts"))
    known = {fact.text.lower() for fact in memory.all()}
    try:
        found = [fact for fact in find_facts(services, words) if fact.lower() not in known]
    except KeyboardInterrupt:
        return
    except ServiceError as error:
        tell(str(error))
        return
    for fact in found:
        tell(said("notices.fact_found", fact=fact, number=memory.keep(fact).id))
    if not found:
        tell(said("notices.no_facts_found"))


def _keys(
    conversation: Conversation, args: argparse.Namespace, settings: Settings, captions: Captions
) -> AbstractContextManager[None]:
    """What the keyboard is for: typed lines, the talk key, or nothing where there is no terminal."""
    if args.text:
        assert isinstance(captions, TypedCaptions)
        captions.notice(said("notices.type"))
        lines, has_user = TypedLines(conversation, captions), has_terminal()
        reading = threading.Thread(
            target=lambda: lines.read(sys.stdin, has_user=has_user), name="keyboard", daemon=True
        )
        reading.start()
        return nullcontext()
    if not has_terminal():
        captions.notice(said("notices.speak"))
        return nullcontext()
    push_to_talk = settings.turns.talk_key
    if push_to_talk:
        captions.notice(said("notices.push_to_talk"))
    else:
        captions.notice(said("notices.speak_with_key"))
    key = TalkKey(lambda down: conversation.key(pressed=down), captions.notice, push_to_talk=push_to_talk)
    return keyboard(key)


def _no_microphone() -> str:
    """Why there is no microphone, in words; '' when there is one."""
    try:
        has_input = any(device.inputs for device in list_devices())
    except PortError as error:
        return str(error)
    return "" if has_input else said("notices.no_microphone")


def _device(args: argparse.Namespace, settings: Settings, captions: Captions) -> Duplex:
    """The sound device; a silent one where the user types and there is no loudspeaker. Raises PortError."""
    if args.text:
        try:
            has_output = any(device.outputs for device in list_devices())
        except PortError:
            has_output = False
        if not has_output and not args.output:  # a loudspeaker that was named and is not there is an error
            return SilentDevice()
    microphone = args.input or settings.audio.input_device
    loudspeaker = args.output or settings.audio.output_device
    # A wrong name is an error before the services are started.
    if microphone and not args.text:
        find_device(microphone, "input")
    if loudspeaker:
        find_device(loudspeaker, "output")
    return DesktopDevice(
        microphone, loudspeaker, latency_s=settings.audio.latency_s, microphone=not args.text, tell=captions.notice
    )
