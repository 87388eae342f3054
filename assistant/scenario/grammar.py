"""The grammar of scenarios, and the way from YAML to `script.Scenario`.

A file is one scenario:

    huiyin: scenario       # pytest collects only files with this line; anywhere at the left margin, often the last
    about: After a false alarm the story goes on.   # what it guards; the file's name is its name
    depth: text            # text: no sound, milliseconds; room: real echo path and voice activity; live: real time and
                           # real services; [text, room]: both
    seed: 1
    settings:              # any of turns, audio, talk and tools in `huiyin settings`
      turns.resume_s: 0.65
    services:              # what the simulated services take; these are the defaults
      asr: {takes_ms: 70, per_s_ms: 0}                  # per_s_ms: more for each second of speech
      llm: {first_token_ms: 150, tokens_per_s: 40}
      tts: {first_audio_ms: 100, real_time_factor: 0.2}
      endpoint: {takes_ms: 60}
      speaker: {takes_ms: 50}                           # to tell a voice, where talk.other_voices is not answered
    room: {rt60_s: 0.3, noise_dbfs: -66}                # room and live depth: any number of ports.room.RoomSettings
    voice: formants        # room depth: a made voice in no language, always there; hibari: a real one, English. Real
                           # services are spoken to with a voice of their own unless one is named

    tools:                 # that the model may call; no tools: it is offered none
      - {name: weather, description: Weather of a city., effect: reads}    # or acts (default), dangerous: asks first
      - {name: lamp, title: switch the lamp, takes_ms: 100, output: done, fails: error}   # or hang; own: true

    turns:                 # what happens, in order
      - user: Tell me a story.            # said; [600 ms] in it is a pause, [0.6 s] likewise
        reply: Once upon a time there was a lighthouse.     # what the model will answer
        expect: [{event: reply starts, within_ms: 800}]
      - sound: cough
        after: reply starts + 1500 ms
        expect: [{event: reply resumes}, {absent: reply stops}]

    hang_up: user ends + 5000 ms   # it is over then, once the last turn has begun (default: when all is quiet)
    expect:                # of the whole of it
      - history: [{user: Tell me a story., assistant: Once upon a time there was a lighthouse.}]

A turn has one of
    user: TEXT             said aloud            types: TEXT         typed
    audio: FILE.wav        a recording (room)    key: down | up      the talk key
    sound: NAME            cough, door, click, tv, noise, silence
    device: FAULT          microphone is silent (zeros), loudspeaker stops, both stall, microphone slips (loses sound),
                           clock jumps (as on a machine that was asleep); lasts_ms: how long (default 1000, a slip 20)
and may have
    after: MOMENT + N ms   when; default: `quiet + 700 ms`, the first at `start + 500 ms`. The moment is looked for
                           from the beginning of the turn before. MOMENT: one of `moments.NAMES`
    heard: TEXT            what the recogniser returns (default: what was said; '' nothing)
    means: turn            or backchannel, stop, noise: for the metrics (default: turn; a sound, key or device: noise)
    complete: 0.9          how complete it sounds at its end, to the endpoint model; [0.2, 0.9]: at its last pause and
                           its end (default: not judged; `audio` and real voices are judged by the real model)
    complete_words: 0.9    how complete its words are, likewise, to the language model that judges them (default: not
                           judged; asked for with the setting turns.endpoint_words: always)
    emotion: {sad: 0.8}    label and confidence, as the recogniser gives them;  events: [laughter];  language: zh
    lasts_ms: 900          how long it takes;  level_db: -6, against the usual; from -30 down it is not recognised
    speaker: Anna          another person (another voice, further away), or the television; loudspeaker: what comes back
                           of the assistant's own voice (text depth)
    alike: 0.7             how like the enrolled voice it sounds, -1..1, with talk.other_voices; [0.1, 0.7]: each time
                           that it is judged, the last one stays (default: the user's is, another speaker's is not)
    reply: TEXT            what the model answers (default: "I see. Tell me more about it.", 我知道了。再跟我说说吧。)
    calls: {weather: {city: Ulm}}    tools that the model calls first, those in one mapping together; a list: one after
                           the other. says: TEXT   beside the first calls; `reply` is what it answers to the results
    tool: {lamp: {fails: hang}}      how a tool answers from this turn on
    fails: {llm: error}    asr, llm or tts: error, stall, disconnect, slow, garbage (no words; noise); or with details:
                           {tts: {how: disconnect, after_ms: 400, clause: 2, times: 1}},
                           {llm: {how: stall, after_tokens: 5}}   a token: up to 6 letters, 1 or 2 Chinese characters
                           {asr: {how: slow, slower: 20}}         times as long as usual (default 10)
    expect: [...]

An expectation is one of
    event: MOMENT          it comes; within_ms, not_before_ms (of the end of this turn's words; of their beginning for
                           `reply pauses`, `reply stops`, `speech heard`; or `since: reply starts`); times: 2
    absent: MOMENT         it does not come (since: MOMENT, within_ms: N)
    heard: WORDS           what was transcribed last          said: WORDS      what the user heard the assistant say
    means: TEXT            a language model judges that the last reply means this; not judged with simulated services
    asked: WORDS           the last message to the model, with its lines in brackets (how the user sounds, where the
                           assistant was interrupted);        prompt: WORDS    all of its messages
    called: lamp           a tool is called; arguments: {on: true}, among others; times: 2
    not_called: lamp       it is not
    spoken: {style: gentle}  how the voice sounds: neutral, gentle, cheerful, calm, serious
    history: [{user: WORDS, assistant: WORDS, interrupted: true}, ...]
    loudspeaker: {above_dbfs: -40}  or below_dbfs; with since: MOMENT [+ N ms], for_ms: 300
    metric: NAME <= 700    one of `metrics.NAMES`
and may have  depth: text  to be judged without sound alone, or  depth: room  wherever there is sound.
It looks from the beginning of its turn to the beginning of the next one that takes the floor (turn or stop); that of a
noise or backchannel to the next of any kind; those at the end of the file at everything. WORDS is a text (case, marks
and spaces do not count) or {contains: [...], without: [...], begins: ...}.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from huiyin.assistant.ports.room import RoomSettings
from huiyin.assistant.scenario import device_faults, script
from huiyin.assistant.scenario.expectation_grammar import read_expectations, read_when
from huiyin.assistant.scenario.mark import TOP_KEYS
from huiyin.assistant.scenario.reader import LONGEST_MS, Node, Readers, ScenarioError, fields, read_file, read_yaml
from huiyin.assistant.scenario.tool_grammar import read_answers, read_calls, read_tools
from huiyin.configs.messages import said
from huiyin.configs.nearest import nearest
from huiyin.configs.settings import Settings, SettingsConflict, SettingsError, load

__all__ = ["ScenarioError", "parse", "read"]

VOICES = (script.MADE_VOICE, "hibari")
SOUNDS = {"cough": 0.35, "door": 0.25, "click": 0.02, "tv": 3.0, "noise": 3.0, "silence": 1.0}  # seconds
_KINDS: tuple[script.Kind, ...] = ("user", "audio", "types", "key", "sound", "device")
_LIKE_A_PAUSE = re.compile(r"[\[［【][^\]］】]*\d[^\]］】]*[\]］】]")
_ROOM = tuple(f.name for f in dataclasses.fields(RoomSettings) if f.type == "float")
_SETTINGS = ("turns", "audio", "talk", "tools")  # sections of the conversation; the others are the services' own


def read(path: Path | str) -> script.Scenario:
    """A scenario from a file. Raises ScenarioError."""
    path = Path(path)
    return _scenario(read_file(path), path.stem, path)


def parse(source: str | Mapping[str, Any], name: str = "scenario", folder: Path | None = None) -> script.Scenario:
    """A scenario from YAML text, or the same as Python data. Raises ScenarioError.

    `folder` is where sound files are looked for.
    """
    text = source if isinstance(source, str) else yaml.safe_dump(dict(source), allow_unicode=True, sort_keys=False)
    return _scenario(read_yaml(text, name), name, folder / name if folder else None)


def _scenario(top: Node, name: str, path: Path | None) -> script.Scenario:
    keys = top.mapping(TOP_KEYS, needs=["turns"])
    if "huiyin" in keys:
        keys["huiyin"].choice(("scenario",))
    steps: list[script.Step] = []
    mistakes: list[ScenarioError] = []
    for number, node in enumerate(keys["turns"].items(), 1):
        try:
            steps.append(_step(number, node, path))
        except ScenarioError as mistake:  # the first of each turn
            mistakes.append(mistake)
    if mistakes:
        raise ScenarioError("scenario.mistakes", mistakes=mistakes)
    if not steps:
        raise keys["turns"].error("scenario.no_turns")
    recording = next((step for step in steps if step.kind == "audio"), None)
    values = {"name": name, **fields(keys, _SCENARIO)}
    known = {tool.name for tool in values.get("tools", ())}
    for step in steps:
        if unknown := [name for name in step.tool if name not in known]:
            raise top.error("scenario.no_tool", name=unknown[0], near=nearest(unknown[0], known), names=sorted(known))
    usual: script.Depth = "room" if recording else "text"
    depths = values.pop("depth", ()) or (usual,)
    if recording and "text" in depths:
        raise keys["depth"].error("scenario.sound_at_text_depth", audio_line=recording.line)
    return script.Scenario(path=path, depths=depths, steps=tuple(steps), **values)


def _settings(node: Node) -> tuple[str, ...]:
    of_services = {field.name for field in dataclasses.fields(Settings)} - {*_SETTINGS}
    overrides = []
    for key, value in node.mapping(()).items():
        if key.partition(".")[0] in of_services:
            raise value.error("scenario.setting_of_a_service", key=key)
        overrides.append(f"{key}={value.text_or_nothing()}")
        try:
            with suppress(SettingsConflict):  # others may go with it
                load(environ={}, overrides=overrides[-1:])
        except SettingsError as error:
            raise value.error("scenario.bad_setting", error=error) from None
    try:
        load(environ={}, overrides=overrides)
    except SettingsConflict as error:
        raise node.error("scenario.bad_setting", error=error) from None
    return tuple(overrides)


def _services(node: Node) -> script.ServiceTimes:
    table: dict[str, dict[str, tuple[str, int, float]]] = {  # key -> (field, its unit in that of the key, least)
        "asr": {"takes_ms": ("asr_s", 1000, 0), "per_s_ms": ("asr_per_s", 1000, 0)},
        "llm": {"first_token_ms": ("llm_first_s", 1000, 0), "tokens_per_s": ("llm_tokens_per_s", 1, 0.1)},
        "tts": {"first_audio_ms": ("tts_first_s", 1000, 0), "real_time_factor": ("tts_real_time_factor", 1, 0)},
        "endpoint": {"takes_ms": ("endpoint_s", 1000, 0), "words_ms": ("words_s", 1000, 0)},
        "speaker": {"takes_ms": ("voice_s", 1000, 0)},
    }
    values: dict[str, float] = {}
    for service, entries in node.mapping(table).items():
        for key, value in entries.mapping(table[service]).items():
            field, unit, least = table[service][key]
            values[field] = value.number(least, LONGEST_MS) / unit
    return script.ServiceTimes(**values)


def _step(number: int, node: Node, path: Path | None) -> script.Step:
    node.what = said("scenario.a_turn")
    keys = node.mapping((*_KINDS, *_TURN))
    kinds = [kind for kind in _KINDS if kind in keys]
    if not kinds:
        raise node.error("scenario.turn_says_nothing", known=_KINDS)
    if len(kinds) > 1:
        raise node.error("scenario.turn_of_many_kinds", kinds=kinds, known=_KINDS)
    kind = kinds[0]
    content = _content(kind, keys[kind], path)
    if "lasts_ms" in keys and kind not in ("user", "sound", "device"):
        raise keys["lasts_ms"].error("scenario.length_of_other_kind", kind=kind)
    values = {**_defaults(kind, content), **fields(keys, _TURN)}
    return script.Step(number=number, line=node.line, kind=kind, content=content, **values)


def _content(kind: script.Kind, node: Node, path: Path | None) -> str:
    if kind == "key":
        return node.choice(("down", "up"))
    if kind == "sound":
        return node.choice(SOUNDS)
    if kind == "device":
        return node.choice(device_faults.LASTS_S)
    text = node.text()
    words = script.PAUSE.sub("", text)
    if kind == "audio" and not ((path.parent if path else Path()) / text).is_file():
        raise node.error("scenario.no_sound_file", file=text)
    if kind == "user" and (wrong := _LIKE_A_PAUSE.search(words)):
        raise node.error("scenario.pause_without_unit", mark=wrong[0])
    if kind == "user" and not re.search(r"\w", words):
        raise node.error("scenario.nothing_to_say")
    return text


def _defaults(kind: script.Kind, content: str) -> dict[str, Any]:
    """What leaving a key out means, where that depends on the kind of turn."""
    if kind == "sound":
        speaker = "tv" if content == "tv" else "user"
        return {"means": "noise", "speaker": speaker, "heard": "", "lasts_s": SOUNDS[content]}
    if kind == "audio":
        return {"heard": ""}
    if kind == "device":
        return {"means": "noise", "lasts_s": device_faults.LASTS_S[content]}
    return {"means": "noise"} if kind == "key" else {}


def _probabilities(node: Node) -> tuple[float, ...]:
    return tuple(item.number(0, 1) for item in node.item_or_items())


def _emotion(node: Node) -> tuple[str, float]:
    entries = list(node.mapping(()).items())
    if len(entries) != 1:
        raise node.error("scenario.not_one_emotion")
    label, confidence = entries[0]
    return label, confidence.number(0, 1)


def _faults(node: Node) -> dict[str, script.Fault]:
    places: dict[str, tuple[str, ...]] = {"asr": (), "llm": ("after_tokens",), "tts": ("after_ms", "clause")}
    faults = {}
    for stage, value in node.mapping(places).items():
        entries = {"how": value}
        if not value.is_text:
            entries = value.mapping(("how", "times", "slower", *places[stage]), needs=["how"])
        faults[stage] = script.Fault(**fields(entries, _FAULT))
    return faults


_SCENARIO: Readers = {
    "name": Node.text,
    "about": Node.text,
    "depth": lambda node: tuple(item.choice(script.DEPTHS) for item in node.item_or_items()),
    "seed": Node.whole,
    "settings": _settings,
    "services": _services,
    "room": lambda node: {key: value.number() for key, value in node.mapping(_ROOM).items()},
    "voice": lambda node: node.choice(VOICES),
    "tools": read_tools,
    "expect": read_expectations,
    "hang_up": read_when,
}
_TURN: Readers = {
    "after": read_when,
    "heard": Node.text_or_nothing,
    "means": lambda node: node.choice(("turn", "backchannel", "stop", "noise")),
    "complete": _probabilities,
    "complete_words": _probabilities,
    "alike": lambda node: tuple(item.number(-1, 1) for item in node.item_or_items()),
    "emotion": _emotion,
    "events": Node.texts,
    "language": Node.text,
    "lasts_ms": lambda node: node.seconds(1),
    "level_db": lambda node: node.number(-80, 30),
    "speaker": Node.text,
    "reply": Node.text_or_nothing,
    "calls": read_calls,
    "says": Node.text,
    "tool": read_answers,
    "fails": _faults,
    "expect": read_expectations,
}
_FAULT: Readers = {
    "how": lambda node: node.choice(script.HOWS),
    "times": Node.count,
    "slower": lambda node: node.number(1, 1000),
    "after_tokens": lambda node: node.number(0, 1e6),
    "after_ms": Node.seconds,
    "clause": lambda node: node.count() - 1,
}
