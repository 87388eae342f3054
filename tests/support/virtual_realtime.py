"""A scenario through a Realtime session in virtual time, with a scripted client that plays aloud, and no socket."""

from __future__ import annotations

import json

from huiyin.assistant.conversation.assemble import make_endpoint
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.faces.connections.engines import Engines, Limits, ears
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.scenario.agents.realtime import RealtimeLine
from huiyin.assistant.scenario.cast import made_voice
from huiyin.assistant.scenario.realtime_view import Message
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.runner import MadeSpeech
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario
from huiyin.assistant.scenario.scripted_client import ScriptedClient
from huiyin.assistant.scenario.watched_services import WatchedServices
from huiyin.configs.settings import load, with_overrides
from tests.support.virtual_agent import played_out


def play_aloud(scenario: Scenario) -> Result:
    """What came of it, with the echo path of the server."""
    world, settings = VirtualWorld(), with_overrides(load(environ={}), scenario.settings)

    def send(message: Message) -> None:
        text = json.dumps(message)
        world.at(world.now, lambda: session.receive(text))

    voice = made_voice(scenario)
    line = RealtimeLine(send, simulated=True, aloud=True)
    client = ScriptedClient(scenario, scenario.seed, voice, world, line, simulated=True, aloud=True)
    natural = scenario.voice not in ("", MADE_VOICE) or any(step.kind == "audio" for step in scenario.steps)
    endpoint = make_endpoint(settings, print) if natural else None
    services = WatchedServices(scenario, settings, client, line, endpoint)
    persona = load_persona(settings.talk.persona)
    prepared = MadeSpeech(persona.all_prepared(), services.synthesise)
    engines = Engines(services.parts, lambda wishes: services, ears(settings), lambda persona: prepared)
    config = SessionConfig(
        "sess_1", kind="realtime", model="huiyin", persona=persona, personas={persona.name: persona}, expires_at=0
    )

    def receive(text: str) -> None:
        world.at(world.now, lambda: line.view.receive(json.loads(text)))

    session = RealtimeSession(world, engines, config, settings, receive, Limits())
    services.join(session.conversation)
    session.start()
    line.configure()

    result = played_out(client, world)
    session.close()
    return result
