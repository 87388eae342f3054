"""Our own agent, a pipecat pipeline and a bad one side by side: `huiyin bench agent` with everything it needs started.

Ours is `huiyin web` with the recogniser and the voice that this machine uses, and its Realtime server. pipecat's
pipeline is that of `benchmarks.latency_pipecat_socket`, pointed at the same recogniser, voice and language model. The
model is a stub that writes a long reply in the user's language at a fixed pace, so that neither agent has a better one.
The bad agent is `tests/support/simple_agent.py`. In real time, on a quiet machine.

    python -m benchmarks.agents --quick --out results
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests
from aiohttp import web

from benchmarks.command import as_command
from benchmarks.environment import python_with
from benchmarks.latency_peers import PIPECAT_SOCKET
from benchmarks.output import source, tell
from huiyin.configs.files import cache_folder
from huiyin.services.common.child import module_command
from huiyin.services.common.text import is_chinese

_HUIYIN = "huiyin.assistant.faces.cli.main"
_TOKENS_PER_S = 40.0
_FIRST_TOKEN_S = 0.15
_START_LIMIT_S = 300.0
_POLL_S = 0.5
_PIECE = 2  # Chinese characters in a token
_STORY = {
    "en": "Once upon a time there was a small lighthouse on an island far from the coast. Nobody had lived in it for "
    "many years, and the lamp had been dark for as long. Then, one evening in autumn, a fishing boat lost its way in "
    "the fog. The youngest of the crew saw a light where there should have been none. They rowed towards it, and found "
    "an old man who had come back to the place where he was born. He had cleaned the glass and filled the lamp with "
    "the last of his oil. They stayed until morning, and he told them of the ships that he had seen as a child.",
    "zh": "从前，在离海岸很远的一座小岛上有一座灯塔。很多年没有人住在里面，灯也早就不亮了。后来有一年秋天的晚上，"
    "一条渔船在雾里迷了路。船上最年轻的那个人看见了一点光，那里本来不应该有光。他们朝着光划过去，遇到一位老人，"
    "他回到了自己出生的地方。他把玻璃擦干净，把最后一点油倒进了灯里。他们一直待到天亮，听他讲小时候看见过的那些船。",
}


async def _models(request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})


async def _chat(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    users = [message["content"] for message in asked["messages"] if message["role"] == "user"]
    language = "zh" if users and is_chinese(str(users[-1])) else "en"
    story = _STORY[language]
    tokens = [story[i : i + _PIECE] for i in range(0, len(story), _PIECE)] if language == "zh" else story.split(" ")
    words = tokens if language == "zh" else [f"{word} " for word in tokens]
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "".join(words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response({"object": "chat.completion", "choices": [choice]})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await asyncio.sleep(_FIRST_TOKEN_S)
    with contextlib.suppress(ConnectionResetError):  # who was interrupted wants no more
        for i, word in enumerate(words):
            end = "stop" if i == len(words) - 1 else None
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": end}
            event = {"object": "chat.completion.chunk", "model": "stub", "choices": [choice]}
            await response.write(b"data: %s\n\n" % json.dumps(event).encode())
            await asyncio.sleep(1 / _TOKENS_PER_S)
        await response.write(b"data: [DONE]\n\n")
    return response


def serve_model(port: int) -> None:
    """The stub, until it is killed."""
    app = web.Application()
    app.add_routes([web.get("/v1/models", _models), web.post("/v1/chat/completions", _chat)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


@contextlib.contextmanager
def _running(command: list[str], ready: str, folder: Path | None = None) -> Iterator[None]:
    """A program, while something answers at `ready`."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        end_s = time.monotonic() + _START_LIMIT_S
        while True:
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"{shlex.join(command)} does not run")
            try:
                requests.get(ready, timeout=_POLL_S)
                break
            except requests.ConnectionError:
                time.sleep(_POLL_S)
            except requests.RequestException:
                break  # something answers, if not HTTP
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """What is given on the command line goes to `huiyin bench agent`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8700, help="the first of three that are free")
    parser.add_argument("--without", action="append", default=[], choices=["ours", "pipecat", "bad"])
    parser.add_argument("--serve-model", type=int, help=argparse.SUPPRESS)
    args, rest = parser.parse_known_args()
    if args.serve_model:
        serve_model(args.serve_model)
        return 0
    model, door, pipecat = (f"http://127.0.0.1:{args.port + i}" for i in range(3))
    root = Path(__file__).resolve().parent
    bad = shlex.join([sys.executable, str(root.parent / "tests/support/simple_agent.py")])
    agents = {
        "ours": f"realtime:{door.replace('http', 'ws')}/v1/realtime",
        "pipecat": f"pipecat:{pipecat.replace('http', 'ws')}",
        "bad": f"command:{bad}",
    }
    with contextlib.ExitStack() as programs:
        stub = [sys.executable, "-m", "benchmarks.agents", "--serve-model", str(args.port)]
        programs.enter_context(_running(stub, f"{model}/v1/models", root.parent))
        ours = ["web", "--no-open", "--port", str(args.port + 1), "--set", f"llm.upstreams={model}/v1"]
        tell("starting huiyin web …")
        programs.enter_context(_running(module_command(_HUIYIN, *ours), f"{door}/health"))
        if "pipecat" not in args.without:
            python = python_with(cache_folder() / "bench" / PIPECAT_SOCKET.environment, PIPECAT_SOCKET.package)
            script = [str(python), str(root / PIPECAT_SOCKET.script), f"{door}/v1", "serve", str(args.port + 2)]
            tell("starting pipecat …")
            programs.enter_context(_running(script, pipecat))
        command = ["bench", "agent"]
        for name, agent in agents.items():
            command += [] if name in args.without else ["--against", f"{name}={agent}"]
        print(source(), flush=True)  # of the table that the command prints
        return subprocess.run(module_command(_HUIYIN, *command, *rest), check=False).returncode


if __name__ == "__main__":
    as_command(main)
