"""The process that holds a model: llama.cpp's own HTTP server, from the package `xllamacpp`.

Run by `llama_process.py`. One line of JSON comes in (the values of `Start`), one goes out: ``{"address":
"http://127.0.0.1:PORT"}`` or ``{"error": "…"}``. It ends when its standard input closes, that is, with the service. It
imports nothing of the project, to start fast and stay small.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, TypedDict


class Options(TypedDict):
    """What differs from model to model."""

    threads: int
    niceness: int  # 0..19, of the process (POSIX)
    http_threads: int  # requests waiting at once
    context_tokens: int
    batch_tokens: int  # of a prompt, between two checks whether the client is still there
    prompt_cache_mb: int
    temperature: float  # this and the next two: defaults of a request
    top_p: float
    top_k: int
    chat_template: str  # '' for the model's own


class Start(Options):
    """The line that comes in."""

    model: str  # path of a GGUF file
    name: str  # of the model in answers
    key: str  # for the header Authorization of every request


def parameters(start: Start) -> Any:
    """llama.cpp's parameters for `start` (measured: docs/llm.md)."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = start["model"]
    params.model_alias = {start["name"]}
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.n_gpu_layers = 0
    params.fit_params = False  # sizes come from the settings; probing the memory costs a second load
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = start["threads"]
    params.n_ctx = start["context_tokens"]
    params.n_batch = params.n_ubatch = start["batch_tokens"]
    params.n_parallel = 1
    params.n_ctx_checkpoints = 0  # only models with recurrent layers need them
    params.cache_prompt = True
    # A request without an `id_slot` saves the slot's prompt. Else llama.cpp would overwrite the half that differs of a
    # prompt that begins alike, as those of one persona do.
    params.slot_prompt_similarity = 0.0
    params.cache_ram_mib = start["prompt_cache_mb"]
    params.sampling.temp, params.sampling.top_p = start["temperature"], start["top_p"]
    params.sampling.top_k = start["top_k"]
    params.default_template_kwargs = {"enable_thinking": "false"}  # Qwen3; thoughts would be waited for
    if start["chat_template"]:
        params.chat_template = start["chat_template"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the system's choice
    params.api_keys = [start["key"]]
    params.n_threads_http = start["http_threads"]
    params.offline = True
    params.ui = params.endpoint_slots = False
    params.verbosity = 0  # prompts are private
    return params


def main() -> None:
    """Serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what llama.cpp prints is not an answer
    try:
        start: Start = json.loads(sys.stdin.readline())
        if hasattr(os, "nice"):
            os.nice(start["niceness"])
            # A group of its own, so that it ends with a service that dies while it is suspended: the system sends
            # SIGHUP and SIGCONT to an orphaned group that is stopped (POSIX, _exit).
            os.setpgid(0, 0)
        import xllamacpp

        server = xllamacpp.Server(parameters(start))
        answer = {"address": server.listening_address}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    try:
        print(json.dumps(answer), file=answers, flush=True)
        while sys.stdin.readline():
            pass
    finally:  # also where the service has gone meanwhile
        os._exit(0)  # at once: freeing the memory in order takes time


if __name__ == "__main__":
    main()
