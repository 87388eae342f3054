"""Settings of the three services; how they are read stands in `settings.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.files import cache_folder
from huiyin.configs.layers import setting
from huiyin.configs.plugins import RECOGNISERS, VOICES
from huiyin.configs.upstream_settings import UpstreamSettings


@dataclass(frozen=True)
class ServiceSettings:
    """What all three services share."""

    host: str = setting("127.0.0.1")
    """only this machine can connect: everyone who can connect may use the models and read what they answer"""
    listen: str = setting("")
    """HOST:PORT where a program really listens, when another passes requests on to it and is what clients know by host
    and port, as with `huiyin serve all --ray`; empty: there itself"""
    api_key: str = setting("", secret=True)
    """set: every request but /health must carry 'Authorization: Bearer <key>'; needed where others can connect"""
    key_file: str = setting("")
    """a file with that key, readable by you alone, used where service.api_key is not set"""
    hosts: tuple[str, ...] = setting(())
    """names besides localhost and 127.0.0.1 under which a service that listens on this machine alone may be asked for,
    as by a proxy in front of it; others get 403, since any web page could have its name resolve to this machine"""
    origins: tuple[str, ...] = setting(())
    """web pages that may use a service and read its answers (CORS), as https://app.example or http://localhost:5173;
    others of this machine may only ask"""
    threads: int = setting(16, low=1, high=256)
    """requests in hand at once in one service: more wait; those that need a model also wait in its own queue"""
    strict_models: bool = setting(False)
    """true: a model's name that is not known here gets 404; false: it stands for the model that is here, as programs
    written for OpenAI bring names of their own"""
    load_wait_s: float = setting(60.0, low=0, high=600)
    """a request waits this long for a model that loads, as most are loaded by then; after it, 503"""
    log_level: str = setting("info", choices=("debug", "info", "warning", "error"))
    """info: starts, ends and what goes wrong; debug adds where in the program an error arose"""
    log_format: str = setting("text", choices=("text", "json"))
    """text is for people; json, an object a line, for programs that collect logs"""
    access_log: bool = setting(True)
    """a line a request: method, address, status, time; what is asked again and again (/health) only at level debug"""
    log_words: bool = setting(False)
    """true: what is printed may quote what was said, to find a fault on a machine of your own"""


@dataclass(frozen=True)
class AsrSettings(UpstreamSettings):
    """Speech to text."""

    port: int = setting(7870, low=0, high=65535)
    """the one that its clients know; 0: any that is free, for `huiyin serve` of this service alone"""
    engine: str = setting("whisper", choices=("whisper", "sensevoice", "paraformer"), plugins_of=RECOGNISERS)
    """whisper runs with no model hub in reach; sensevoice hears emotion and events, paraformer takes hotwords; other
    packages may bring more"""
    model: str = setting("whisper-base")
    """the one whose files the registries have, for machines that reach no hub; a folder in the model store, or a
    path"""
    punctuation: str = setting("ct-punc")
    """Paraformer's text has no marks of its own: a folder in the model store, or a path; empty: none are set"""
    vad: str = setting("auto", choices=("auto", "fsmn", "silero"))
    """what finds the speech in long recordings; auto: fsmn for FunASR's engines, which were made with it, where its
    file is; else silero"""
    device: str = setting("auto")
    """auto: the first GPU that the engine can use, as it is many times faster, else the CPU; 'cuda', 'cuda:1',
    'cpu'"""
    precision: str = setting("auto", choices=("auto", "fp32", "int8", "fp16", "bf16"))
    """auto: int8 on a CPU and fp16 on a GPU, each the quicker there"""
    runtime: str = setting("auto", choices=("auto", "onnx", "torch"))
    """what SenseVoice runs in; auto: onnx on a CPU (faster, less memory), torch on a GPU"""
    threads: int = setting(2, low=1, high=64)
    """cores given to recognition; Whisper takes one for each recording, as a second one slows base down; with larger
    models workers = 1 gives one recording all of them"""
    workers: int = setting(0, low=0, high=64)
    """recordings recognised at once, sharing the threads; 0: the engine's own choice, as each knows what gains"""
    languages: tuple[str, ...] = setting(("zh", "en"))
    """no others are heard: a short clip would be any of 99"""
    careful: str = setting("long", choices=("never", "long", "always"))
    """where Whisper takes more time for fewer errors; long: recordings of more than a turn (15 s), and files"""
    allowed_dir: str = setting("")
    """POST /asr {"filename"} may read below this folder only; empty: such requests are refused, since any caller
    could read any recording here"""
    max_upload_mb: int = setting(2048, low=1, high=65536)
    """two hours of a 48 kHz stereo WAV fit (1.4 GB); bodies wait on disk. Files below allowed_dir may be no larger"""
    max_duration_s: float = setting(43_200.0, low=1, high=864_000)
    """12 h. Memory does not grow with it; the limit is against sound without end"""
    queue_wait_s: float = setting(30.0, low=0.1, high=3600)
    """a request waits this long for the model, then 429: a caller who waits longer has mostly given up"""
    file_patience_s: float = setting(20.0, low=0, high=3600)
    """a long file waits so long for those who talk on this machine, then one piece of it (28 s of sound) goes: a
    conversation keeps its pace, and no archive starves; 0: files do not wait"""
    deadline_s: float = setting(0.0, low=0, high=86400)
    """a request not done by then is ended with 504; 0: never, as a recording may take hours"""
    batch_size_s: float = setting(0.0, low=0, high=3600)
    """seconds of sound in one call on a GPU; 0: as many as its free memory takes"""
    reply_timeout_s: float = setting(15.0, low=0.1, high=600)
    """an upstream that takes longer for one piece, of 30 s of sound at most, gives way to the next; the last has twice
    as long"""
    cache_entries: int = setting(256, low=0, high=100_000)
    """answers kept for the same recording sent again; some kB each. 0: none"""


@dataclass(frozen=True)
class LlmSettings(UpstreamSettings):
    """The language-model proxy."""

    port: int = setting(21002, low=0, high=65535)
    """the one that its clients know; 0: any that is free, for `huiyin serve` of this service alone"""
    model: str = setting("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    """faster than speech on 2 cores; zh and en"""
    turn_model: str = setting("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
    """judges by the words whether a turn is complete (POST /end_of_turn); loaded when first needed; empty: no model
    does"""
    threads: int = setting(2, low=1, high=128)
    """token generation is memory-bound; more threads than cores halve it"""
    niceness: int = setting(5, low=0, high=19)
    """gives way to the voice, which is waited for: first sound 1.45 s at 0, 0.92 s at 5 (0.80 s at 10, but then any
    busy program starves it)"""
    context_tokens: int = setting(4096, low=512, high=131072)
    """room for persona, history and reply; each 1024 take 28 MB"""
    max_new_tokens: int = setting(512, low=1, high=32768)
    """a reply ends there when the request does not say: a model may else go on without end"""
    first_token_timeout_s: float = setting(10.0, low=0.1, high=600)
    """an upstream that takes longer gives way to the next, in time for the turn (20 s); the last has twice as long, and
    where a single token is wanted, which only reads the prompt ahead, that of a whole reply"""
    idle_timeout_s: float = setting(8.0, low=0.5, high=600)
    """a stream silent for so long is ended with an error: its server hangs, and somebody waits for the voice"""
    reply_timeout_s: float = setting(120.0, low=1, high=3600)
    """a whole reply, asked for without streaming, may take so long: it comes at once, at its end"""
    streams: int = setting(256, low=1, high=1024)
    """replies on their way at once, each a thread that mostly waits; one more gets 429"""
    responses_mb: int = setting(64, low=0, high=65536)
    """of the last answers of /v1/responses, for requests that refer to them (previous_response_id); in memory alone"""
    hide_thinking: bool = setting(True)
    """<think>…</think> and reasoning fields are not part of what is spoken"""
    prompt_cache_mb: int = setting(512, low=0, high=65536)
    """memory for what other sessions have had read, which is then not read again; 28 MB per 1024 tokens: 14 with a
    full history"""


@dataclass(frozen=True)
class TtsSettings(UpstreamSettings):
    """Text to speech."""

    port: int = setting(7889, low=0, high=65535)
    """the one that its clients know; 0: any that is free, for `huiyin serve` of this service alone"""
    engine: str = setting("auto", choices=("auto", "hibari", "kokoro", "edge"), plugins_of=VOICES)
    """auto: hibari for English, whose first sound comes soonest, Kokoro for Chinese and mixed text; other packages may
    bring more"""
    voice: str = setting("")
    """empty: a default that fits the language of the text, so that Chinese and English both sound right"""
    upstream_voice: str = setting("")
    """the voice to ask an upstream for when the request names none that it has: one, or one a URL, with commas between;
    empty: the first that it lists, else alloy"""
    first_sound_timeout_s: float = setting(4.0, low=0.1, high=120)
    """an upstream that takes longer for its first sound gives way to the next; the last has twice as long"""
    idle_timeout_s: float = setting(4.0, low=0.1, high=120)
    """an upstream that falls silent for so long in the middle of a piece gives way to the next"""
    pronunciations: str = setting("")
    """empty: none; the path of a TOML file of words and how they are said, for names that are read wrongly
    (docs/speech.md)"""
    threads: int = setting(2, low=1, high=64)
    """cores that Kokoro computes on; with 2 it is several times faster than speech"""
    max_text_chars: int = setting(5000, low=1, high=1_000_000)
    """of one request, about ten minutes of speech: longer ones would hold up the other callers"""
    edge_timeout_s: float = setting(1.0, low=0.2, high=120)
    """for the first sound from edge-tts, then between two pieces; a local voice goes on after it, before the
    listener wonders"""
    cache_mb: int = setting(32, low=0, high=10_000)
    """short texts spoken before are kept on disk, 20 s of speech a MB; 0: nothing is kept"""
    cache_dir: str = setting("")
    """empty: <user cache>/huiyin/speech, which may be deleted at any time"""

    @property
    def cache_path(self) -> Path:
        """The folder of the speech that is kept (may not exist yet)."""
        return Path(self.cache_dir).expanduser() if self.cache_dir else cache_folder() / "speech"
