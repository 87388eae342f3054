"""Every setting of the project, in one place: its type, unit, default and the reason for the default.

Values come in layers, later ones win:

1. the defaults below,
2. a profile: ``configs/<name>.toml`` (``embedded`` unless told otherwise), or a path to a TOML file; where no profile
   is named, also the models that were chosen for this machine (`configs/choice`),
3. the environment: ``HUIYIN_ASR_THREADS=4`` sets ``threads`` in section ``asr``,
4. the command line: ``--set asr.threads=4``.

An unknown key or a bad value is refused with the nearest right name; nothing is ignored in silence.
"""

from __future__ import annotations

import dataclasses
import os
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from huiyin.configs.choice.record import recorded_values
from huiyin.configs.files import cache_folder
from huiyin.configs.jobs_settings import JobsSettings
from huiyin.configs.layers import (
    SettingsConflict,
    SettingsError,
    Value,
    build,
    check_order,
    converted,
    from_environ,
    from_overrides,
    from_profile,
    setting,
)
from huiyin.configs.plugins import JUDGES
from huiyin.configs.ray_settings import RaySettings
from huiyin.configs.realtime_settings import RealtimeSettings
from huiyin.configs.secret_files import checked_key, read_key
from huiyin.configs.service_settings import AsrSettings, LlmSettings, ServiceSettings, TtsSettings
from huiyin.configs.tools_settings import ToolsSettings
from huiyin.configs.turns_settings import TurnsSettings

__all__ = [
    "CONFIG_DIR",
    "DEFAULT_PROFILE",
    "AsrSettings",
    "LlmSettings",
    "ServiceSettings",
    "Settings",
    "SettingsConflict",
    "SettingsError",
    "TtsSettings",
    "TurnsSettings",
    "load",
    "sections",
    "with_overrides",
]

CONFIG_DIR = Path(__file__).resolve().parent
DEFAULT_PROFILE = "embedded"

_PREFIX = "HUIYIN_"  # of variables
# Variables that start with it but are not settings.
_NOT_SETTINGS = {
    "HUIYIN_PROFILE",  # which profile to load
    "HUIYIN_LANG",  # the language of the commands
    "HUIYIN_ASR_API_KEY",  # secrets: read where they are used, never kept in settings
    "HUIYIN_LLM_API_KEY",
    "HUIYIN_TTS_API_KEY",
    "HUIYIN_JUDGE_API_KEY",
    "HUIYIN_WEB_KEY",  # likewise
    "HUIYIN_SENSEVOICE_DIR",  # tests: a folder with real weights
}


@dataclass(frozen=True)
class StoreSettings:
    """Where model files live and where they may come from."""

    dir: str = setting("")
    """empty: <user cache>/huiyin/models, outside the checkout so that clones share it"""
    sources: tuple[str, ...] = setting(("modelscope", "huggingface", "github", "registry"))
    """tried in this order: the hubs are the makers' own and quick, the registries slow and mostly strangers' uploads"""
    modelscope_url: str = setting("https://modelscope.cn")
    """the hub itself; another address where a mirror is nearer, or the only one in reach"""
    huggingface_url: str = setting("")
    """empty: HF_ENDPOINT of the environment, as its own library has it, else https://huggingface.co; a mirror can be
    named here"""
    github_url: str = setting("https://github.com")
    """where makers release single files; another address where a mirror of it is nearer, or the only one in reach"""
    connect_timeout_s: float = setting(5.0, low=0.1, high=120)
    """an unreachable hub must not hold up the next source"""
    read_timeout_s: float = setting(60.0, low=1, high=600)
    """a download that is silent for longer is cut, and goes on from there, or from the next source"""
    offline: bool = setting(False)
    """true: never touch the network, say what is missing instead"""
    choose: bool = setting(True)
    """at the first run the best models that this machine can have and run are chosen, fetched and recorded; false: the
    default profile as it is"""
    metered: str = setting("auto", choices=("auto", "yes", "no"))
    """whether the network is paid by the byte: nothing is then fetched to be better; auto: as NetworkManager knows"""
    catalog: str = setting("")
    """empty: the one that comes with Huiyin; a models.toml of your own, where a company keeps the files itself"""
    ladders: str = setting("")
    """empty: the ones that come with Huiyin; a ladders.toml of your own decides what is chosen from"""

    @property
    def path(self) -> Path:
        """The store's folder (may not exist yet)."""
        return Path(self.dir).expanduser() if self.dir else cache_folder() / "models"


@dataclass(frozen=True)
class AudioSettings:
    """Sound in and out."""

    input_device: str = setting("")
    """empty: the system's default microphone; a name, part of a name, or number of `huiyin devices`"""
    output_device: str = setting("")
    """empty: the system's default loudspeaker; a name, part of a name, or number of `huiyin devices`"""
    latency_s: float = setting(0.1, low=0.01, high=1)
    """'low' dies silently on ALSA and Pulse; 0.08-0.2 s gave no xruns"""
    echo: str = setting("both", choices=("both", "speex", "webrtc", "off"))
    """canceller of the assistant's own voice; both: Speex is heard, WebRTC asked while it learns; off: headsets"""
    speech_threshold: float = setting(0.5, low=0.05, high=0.99)
    """probability from which Silero calls a frame speech: lower takes noise for speech, higher misses soft words"""


@dataclass(frozen=True)
class TalkSettings:
    """The assistant as a whole."""

    persona: str = setting("huiyin")
    """the one that speaks both languages; a name in configs/personas, or a path to a TOML file"""
    place: str = setting("")
    """where you are, as 上海 or Hamburg: the model is told; empty: it does not know"""
    emotion_from_words: bool = setting(True)
    """where the recogniser hears no emotion, as Whisper, your own words may tell of one; false: none is assumed"""
    judge: str = setting("smart-turn", choices=("smart-turn",), plugins_of=JUDGES)
    """what judges by the sound whether a turn is complete, where turns.endpoint_model is on; other packages may bring
    more"""
    greet: bool = setting(True)
    """the assistant speaks first, where its persona has a greeting"""
    wake: str = setting("")
    """asleep until this phrase is heard, as 你好回音 or "hey huiyin"; empty: always awake"""
    sleep_after_s: float = setting(30.0, low=3, high=3600)
    """with a wake phrase: of silence, then it sleeps again; 晚安 and "good night" send it to sleep at once"""
    history_tokens: int = setting(800, low=0, high=1_000_000)
    """of past turns sent to the LLM, estimated; some 20 turns. Beyond it the oldest go, down to 60 %: the prompt then
    begins the same for many turns, and its cache keeps hitting. Anew, the embedded model reads 50 a second"""
    history_turns: int = setting(40, low=0, high=1000)
    """so many past turns are sent at most, however short they are: each one has tokens beside its words"""
    summary: bool = setting(False)
    """turns that go are summarised by the LLM, in the background; costs it a request"""
    sessions: bool = setting(True)
    """conversations are kept, so that one can go on with them (`huiyin sessions`); false: nothing is written"""
    sessions_dir: str = setting("")
    """empty: <user data>/huiyin/sessions, beside other data of yours; only you can read it"""
    find_facts: bool = setting(False)
    """when `huiyin talk` ends, the language model looks in what you said for facts about you; they are printed, and
    remembered beside those that you asked for. Costs it a request, and you some seconds"""
    private: bool = setting(False)
    """true, or --private: nothing of a conversation touches the disk, neither its words nor their sound"""
    other_voices: str = setting("answered", choices=("answered", "unanswered", "marked"))
    """unanswered: only the voice of `huiyin enroll` gets replies and stops them, no television and no guest; marked:
    these are answered, and the model is told that it is another person; answered: whoever speaks, as nobody is
    enrolled at first"""
    otlp_url: str = setting("")
    """a trace of each turn goes to this OpenTelemetry collector (OTLP over HTTP), as http://127.0.0.1:4318; never what
    was said. Needs huiyin[otel]; empty: no traces, and nothing of OpenTelemetry is loaded"""
    max_reply_tokens: int = setting(160, low=1, high=4096)
    """of a spoken reply, some 120 words of English: a longer one is a lecture"""


@dataclass(frozen=True)
class WebSettings:
    """`huiyin web`: the page, and one address for the services and OpenAI Realtime."""

    host: str = setting("127.0.0.1")
    """only this machine, unless told otherwise: then a key is needed. The services behind it stay at service.host"""
    port: int = setting(8000, low=0, high=65535)
    """easy to remember, and rarely taken; 0: any that is free"""
    key_file: str = setting("")
    """a file with the key, readable by you alone, used when HUIYIN_WEB_KEY is not set; with neither, none is needed on
    this machine, and one is made at each start where others can connect"""


@dataclass(frozen=True)
class SimulateSettings:
    """Scripted conversations: `huiyin simulate`, `huiyin bench agent`, pytest."""

    judge: str = setting("")
    """what judges the expectation `means`: the base URL of an OpenAI-compatible server, as https://api.openai.com/v1,
    whose key is in HUIYIN_JUDGE_API_KEY; empty: the LLM service"""
    judge_model: str = setting("")
    """the model that is asked there, as a larger one judges far better; empty: the LLM service's own, or the first that
    the server lists"""


@dataclass(frozen=True)
class Settings:
    """All sections."""

    store: StoreSettings = field(default_factory=StoreSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    asr: AsrSettings = field(default_factory=AsrSettings)
    jobs: JobsSettings = field(default_factory=JobsSettings)
    llm: LlmSettings = field(default_factory=LlmSettings)
    tts: TtsSettings = field(default_factory=TtsSettings)
    turns: TurnsSettings = field(default_factory=TurnsSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    talk: TalkSettings = field(default_factory=TalkSettings)
    tools: ToolsSettings = field(default_factory=ToolsSettings)
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    web: WebSettings = field(default_factory=WebSettings)
    simulate: SimulateSettings = field(default_factory=SimulateSettings)
    ray: RaySettings = field(default_factory=RaySettings)

    @property
    def words_are_judged(self) -> bool:
        """Whether a conversation asks the LLM service if the words of a turn are complete."""
        always, wanted = self.turns.endpoint_words == "always", self.turns.endpoint_words != "never"
        return bool(self.llm.turn_model) and (always or (wanted and not self.llm.is_embedded))


@cache
def sections() -> dict[str, type]:
    """Section name -> its dataclass."""
    return typing.get_type_hints(Settings)


def load(
    profile: str | None = None,
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from all layers.

    `profile` is a name in ``configs/`` or a path to a TOML file; `overrides` are ``section.key=value``
    strings. Without an `environ` of its own they are this process's, and what was chosen for this machine counts, too.
    Raises SettingsError naming the key, the value and what would be right.
    """
    table = sections()
    named = named_profile(profile, environ)
    base = list(from_profile(named or DEFAULT_PROFILE, CONFIG_DIR, table))
    own = _own_values(overrides, environ)
    settings = Settings(**build(table, [*base, *own]))
    may_choose = settings.store.choose and not named and environ is None
    if may_choose and (chosen := recorded_values(settings.store.path, own_settings(overrides))):
        settings = Settings(**build(table, [*base, *chosen, *own]))
    return dataclasses.replace(settings, service=_with_key(settings.service))


def _with_key(service: ServiceSettings) -> ServiceSettings:
    """With the key of its file, where it has none of its own. Raises SettingsError for one that cannot be used."""
    if service.api_key or not service.key_file:
        checked_key("service.api_key", service.api_key)
        return service
    return dataclasses.replace(service, api_key=read_key("service.key_file", Path(service.key_file).expanduser()))


def named_profile(profile: str | None, environ: Mapping[str, str] | None = None) -> str:
    """The profile that the user named; '' for none."""
    return profile or (os.environ if environ is None else environ).get("HUIYIN_PROFILE", "")


def own_settings(overrides: Iterable[str], environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """'section.key' of the settings that the environment and `overrides` name."""
    return frozenset(f"{section}.{key}" for section, key, _ in _own_values(overrides, environ))


def with_overrides(settings: Settings, overrides: Iterable[str]) -> Settings:
    """`settings` with some changed, as ``section.key=value``. Raises SettingsError."""
    values = converted(sections(), from_overrides(overrides, _PREFIX, sections()))
    for name, chosen in values.items():
        if chosen:
            section = dataclasses.replace(getattr(settings, name), **chosen)
            check_order(name, section)
            settings = dataclasses.replace(settings, **{name: section})
    return settings


def _own_values(overrides: Iterable[str], environ: Mapping[str, str] | None) -> list[Value]:
    environ = os.environ if environ is None else environ
    named = from_environ(environ, _PREFIX, _NOT_SETTINGS, sections())
    return [*named, *from_overrides(overrides, _PREFIX, sections())]


def as_arguments(profile: str | None, overrides: Iterable[str]) -> list[str]:
    """What `load` takes, as options of a command line for a process of its own, in whatever folder that runs."""
    arguments: list[str] = []
    if profile:
        is_file = profile.endswith(".toml")
        arguments += ["--profile", str(Path(profile).expanduser().resolve()) if is_file else profile]
    return [*arguments, *(word for item in overrides for word in ("--set", item))]
