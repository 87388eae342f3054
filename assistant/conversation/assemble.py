"""Builds conversations: joins ears, services and session, for every face and for scenarios."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import quote

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.hands import Hands, Toolbox
from huiyin.assistant.conversation.http_stages import EndpointJudge, http_parts
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.phrase_listener import PhraseListener
from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.conversation.presence import mark_live, presence_at
from huiyin.assistant.conversation.reminding import Reminding, Store
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.speaker_gate import http_voice, knowing
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.telemetry import turn_tracer
from huiyin.assistant.conversation.waking import WakingEar
from huiyin.assistant.conversation.world import RealWorld, World
from huiyin.assistant.dialogue.history import History
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.persona import Persona, PersonaError
from huiyin.assistant.dialogue.situation import Situation, nothing_known
from huiyin.assistant.dialogue.tools import Tool
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.endpoint_model import MODEL as ENDPOINT_MODEL
from huiyin.assistant.ears.endpoint_model import EndpointModel
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechRule, SpeechTracker
from huiyin.assistant.ears.voiceprint import Voiceprint, voice_file
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16, Port
from huiyin.configs.messages import said
from huiyin.configs.nearest import nearest
from huiyin.configs.plugins import JUDGES, plugins
from huiyin.configs.settings import Settings
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.onnx import SILERO_FILE

_WARM_UP_LIMIT_S = 60.0


def assemble(
    services: Services,
    persona: Persona,
    port: Port,
    tell: Callable[[str], None],
    *,
    listen: bool = True,
    speak: bool = True,
    greeting: Sequence[str] = (),
    history: History | None = None,
    toolbox: Toolbox | None = None,
    reminders: Store | None = None,
    recall: Callable[[str], Sequence[str]] = nothing_known,
    warm: bool = True,
    patience_s: float = 0.0,
) -> Conversation:
    """A conversation in real time that is ready to run.

    `tell` gets what the user should know. `listen` false: the user types; `speak` false: replies are only shown.
    `greeting`: clauses that the assistant begins with; `history`: of a resumed conversation. `toolbox`: what the model
    may call; `reminders`: are said when they are due; `recall`: see `Session`. `warm` false skips `prepare`;
    `patience_s` is passed to it. Raises StoreError when there is no model for voice activity, PersonaError for a voice
    that there is not, VoiceprintError where the user's is to be told from others and is not enrolled, SettingsError for
    traces without OpenTelemetry.
    """
    settings = services.settings
    trace = turn_tracer(settings.talk)
    presence_at(settings.asr.port).renew()  # what is prepared is waited for, too
    if speak:
        check_voice(services, persona)
    listener = make_listener(settings, tell) if listen else None
    by_sound = make_endpoint(settings, tell) if listen else None
    if speak and greeting:
        threading.Thread(target=_rehearse, args=(services, persona, greeting), name="greeting", daemon=True).start()
    prepared: Mapping[str, Pcm16] = {}
    if warm:
        tools = toolbox.offered if toolbox else ()
        prepared = prepare(
            services, persona, tell, history, tools=tools, speak=speak, listen=listen, patience_s=patience_s
        )
    world = RealWorld()
    name = session_name()
    parts = http_parts(services, persona.voice, session=name, speak=speak, by_sound=by_sound)
    if listen and settings.talk.other_voices != "answered":
        parts = knowing(Voiceprint.read(voice_file()), http_voice(services), parts, settings)
    waking = _waking(services, world, listener, parts, port)
    if waking:
        parts = replace(parts, recogniser=waking)
    hands = Hands(world, toolbox, settings) if toolbox and toolbox.offered else None
    parts = hands.of(parts) if hands else parts
    session = Session(
        world, port, waking or listener, persona, parts, settings, prepared=prepared, history=history, recall=recall
    )
    trace(session)
    mark_live(session, settings)
    if hands:
        hands.join(session)
    if waking:
        waking.join(session)
    if reminders:
        Reminding(world, session, reminders)
    conversation = Conversation(session, world, port, name)
    if greeting:
        conversation.greet(greeting)
    return conversation


def _waking(services: Services, world: World, listener: Listener | None, parts: Parts, port: Port) -> WakingEar | None:
    """The ear that sleeps, where a wake phrase is set. Raises WakePhraseError."""
    settings = services.settings
    if not settings.talk.wake or listener is None:
        return None
    phrase, loudspeaker = WakePhrase(settings.talk.wake), port.loudspeaker
    chime = loudspeaker.chime if isinstance(loudspeaker, Player) else None
    asleep = PhraseListener(services, phrase, language_of(phrase.text))
    return WakingEar(world, listener, parts.recogniser, asleep, phrase, settings.talk.sleep_after_s, chime)


def check_voice(services: Services, persona: Persona) -> None:
    """Raises PersonaError where the speech service does not have the persona's voice; it would be silent all along."""
    if not persona.voice:
        return
    with suppress(ServiceError):  # one that keeps no list of its voices is believed
        if services.get("tts", f"/voices?name={quote(persona.voice)}")["voices"]:
            return
        names = [voice["name"] for voice in services.get("tts", "/voices")["voices"]]
        near = nearest(persona.voice, names)
        raise PersonaError(
            "persona.no_voice", place="voice", name=persona.name, voice=persona.voice, near=near, names=names
        )


def session_name() -> str:
    """A name by which the services tell a conversation from others."""
    return secrets.token_hex(8)


def make_listener(settings: Settings, tell: Callable[[str], None]) -> Listener:
    """The ear: echo canceller, voice activity, its model from the store."""
    echo, warning = make_echo_path(settings.audio.echo)
    if warning:
        tell(said("notices.no_canceller", why=warning))
    return Listener(echo, make_vad(settings), SpeechTracker(SpeechRule(threshold=settings.audio.speech_threshold)))


def make_vad(settings: Settings) -> SileroVad:
    """Voice activity for one stream, its model from the store. Raises StoreError."""
    return _shared_vad(ModelStore(settings.store).ensure(SILERO_FILE)).fork()


def make_endpoint(settings: Settings, tell: Callable[[str], None]) -> EndpointJudge | None:
    """The judge by sound of whether a turn is complete; None: pauses are judged by their length and the words alone."""
    if not settings.turns.endpoint_model:
        return None
    if brought := plugins(JUDGES).get(settings.talk.judge):
        return EndpointJudge(_loaded(brought))
    try:
        return EndpointJudge(_shared_endpoint(ModelStore(settings.store).ensure(ENDPOINT_MODEL)))
    except StoreError as error:
        tell(said("notices.no_endpoint_model", why=error, pause_ms=settings.turns.endpoint_s * 1000))
        return None


def prepare(
    services: Services,
    persona: Persona,
    tell: Callable[[str], None],
    history: History | None = None,
    *,
    tools: Sequence[Tool] = (),
    speak: bool = True,
    listen: bool = True,
    patience_s: float = 0.0,
) -> Mapping[str, Pcm16]:
    """Warm up before the first turn. Returns the sound of openers and apologies, which fills up in the
    background.

    The model reads the persona (and the history) once, and its prompt cache then keeps it: 4.7 s off the first reply
    (measured). `patience_s`: how long to wait for this sound, so that making it does not slow a turn down.
    """
    if listen and services.settings.words_are_judged:
        with suppress(ServiceError):  # the model that judges loads when it is first asked
            services.judge_words("What time is it?", timeout_s=_WARM_UP_LIMIT_S).one()
    if listen and services.settings.talk.other_voices != "answered":
        with suppress(ServiceError):  # so does the one that tells voices apart
            services.speaker(
                bytes(2 * SAMPLE_RATE), f"audio/pcm;rate={SAMPLE_RATE}", lambda _: None, timeout_s=_WARM_UP_LIMIT_S
            ).one()
    situation = Situation(datetime.now().astimezone(), services.settings.talk.place, [tool.name for tool in tools])
    messages = persona.messages(history or History(), "", situation=situation)
    try:
        list(services.ask(messages, timeout_s=_WARM_UP_LIMIT_S, max_tokens=1, tools=tools))
    except ServiceError as error:
        tell(said("notices.model_silent", why=error))
    if not speak:
        return {}
    prepared = PreparedSpeech(services, persona)
    prepared.ready.wait(patience_s)
    return prepared


# Weights are shared by all conversations of a process; what a model remembers of the sound is each conversation's own.


@cache
def _shared_vad(model: Path) -> SileroVad:
    return SileroVad(model)


@cache
def _loaded(judge: EntryPoint) -> Callable[[Pcm16], float]:
    probability_complete: Callable[[Pcm16], float] = judge.load()()
    return probability_complete


@cache
def _shared_endpoint(model: Path) -> EndpointModel:
    return EndpointModel(model)


def _rehearse(services: Services, persona: Persona, greeting: Sequence[str]) -> None:
    """Let the speech service synthesise the greeting while the model reads the persona: it keeps the sound."""
    with suppress(ServiceError):
        for clause in greeting:
            list(
                services.speak(clause, persona.voice, timeout_s=_WARM_UP_LIMIT_S, pronunciations=persona.pronunciations)
            )
