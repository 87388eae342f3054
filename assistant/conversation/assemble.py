"""Builds conversations: joins ears, services and session, for every face and for scenarios."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.http_stages import EndpointJudge, http_parts
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.telemetry import turn_tracer
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.dialogue.history import History
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.situation import Situation
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.endpoint_model import MODEL as ENDPOINT_MODEL
from huiyin.assistant.ears.endpoint_model import EndpointModel
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechRule, SpeechTracker
from huiyin.assistant.ports.port import Pcm16, Port
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
    warm: bool = True,
    patience_s: float = 0.0,
) -> Conversation:
    """A conversation in real time that is ready to run.

    `tell` gets what the user should know. `listen` false: the user types; `speak` false: replies are only shown.
    `greeting`: clauses that the assistant begins with; `history`: of a resumed conversation. `warm` false skips
    `prepare`; `patience_s` is passed to it. Raises StoreError when there is no model for voice activity, SettingsError
    for traces without OpenTelemetry.
    """
    settings = services.settings
    trace = turn_tracer(settings.talk)
    listener = make_listener(settings, tell) if listen else None
    by_sound = make_endpoint(settings, tell) if listen else None
    if speak and greeting:
        threading.Thread(target=_rehearse, args=(services, persona, greeting), name="greeting", daemon=True).start()
    prepared: Mapping[str, Pcm16] = {}
    if warm:
        prepared = prepare(services, persona, tell, history, speak=speak, listen=listen, patience_s=patience_s)
    world = RealWorld()
    parts = http_parts(services, persona.voice, session=session_name(), speak=speak, by_sound=by_sound)
    session = Session(world, port, listener, persona, parts, settings, prepared=prepared, history=history)
    trace(session)
    conversation = Conversation(session, world, port)
    if greeting:
        conversation.greet(greeting)
    return conversation


def session_name() -> str:
    """A name by which the services tell a conversation from others."""
    return secrets.token_hex(8)


def make_listener(settings: Settings, tell: Callable[[str], None]) -> Listener:
    """The ear: echo canceller, voice activity, its model from the store."""
    echo, warning = make_echo_path(settings.audio.echo)
    if warning:
        tell(f"{warning}; until then use a headset, or --set turns.barge_in=off")
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
        tell(f"{error}; until then a pause of {settings.turns.endpoint_s * 1000:.0f} ms ends your turn")
        return None


def prepare(
    services: Services,
    persona: Persona,
    tell: Callable[[str], None],
    history: History | None = None,
    *,
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
    situation = Situation(datetime.now().astimezone(), services.settings.talk.place)
    messages = persona.messages(history or History(), "", situation=situation)
    try:
        list(services.ask(messages, timeout_s=_WARM_UP_LIMIT_S, max_tokens=1))
    except ServiceError as error:
        tell(f"the language model does not answer: {error}")
    if not speak:
        return {}
    prepared = PreparedSpeech(services, persona, services.settings.store.path.parent / "prepared")
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
