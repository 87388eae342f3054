"""The options of ``huiyin talk`` and ``huiyin demo``, apart from their code so that ``--help`` need not load it."""

from __future__ import annotations

import argparse
from pathlib import Path

_DEMO_DIR = Path("demo")
_DEMO_SEED = 1


def add_talk_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``talk``.

    Talk with the assistant through the microphone and the loudspeaker; interrupt it whenever you like. The services
    that do not run yet are started, and stopped at the end. Ctrl-C ends the conversation.

      huiyin talk
      huiyin talk --text                               type instead of speaking
      huiyin talk --persona echo                       another voice and manner: see `huiyin personas`
      huiyin talk --resume last                        go on where you stopped: see `huiyin sessions`
      huiyin talk --show-prompt                        see what the language model is asked
      huiyin talk --input 3 --output "USB Audio"       devices by number or name: see `huiyin devices`
      huiyin talk --set turns.talk_key=true            push-to-talk, in loud rooms: the space bar begins and ends a turn
      huiyin talk --set turns.barge_in=key             only the space bar interrupts
      huiyin talk --set turns.barge_in=off             loudspeakers without echo cancellation: take turns
      huiyin talk --set llm.upstreams=http://127.0.0.1:11434/v1      your own language model
    """
    parser.add_argument("--resume", metavar="ID", help="go on with a conversation: an id of `huiyin sessions`, or last")
    add_conversation_options(parser)


def add_conversation_options(parser: argparse.ArgumentParser) -> None:
    """Options of a conversation, new or resumed."""
    parser.add_argument("--text", action="store_true", help="type instead of speaking")
    parser.add_argument("--input", metavar="DEVICE", help="microphone: number, name or part of a name")
    parser.add_argument("--output", metavar="DEVICE", help="loudspeaker: number, name or part of a name")
    parser.add_argument(
        "--persona", metavar="NAME|FILE", help="who the assistant is: a name that `huiyin personas` lists, or a file"
    )
    parser.add_argument("--show-prompt", action="store_true", help="print what the language model is asked, to stderr")
    parser.add_argument(
        "--demo-if-silent", action="store_true", help="where there is no microphone, say so and run the demo instead"
    )
    # The demo that may be run instead finds its own options here.
    parser.set_defaults(out=_DEMO_DIR, seed=_DEMO_SEED)


def add_demo_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``demo``.

    A whole conversation without sound hardware: a second voice plays the user through a simulated room, in real time,
    into the real loop and the real services. Writes conversation.wav (left: microphone in the room, right: assistant),
    transcript.json and timeline.png, and prints the latency of every turn.

      huiyin demo
      huiyin demo --out my_demo --seed 7
    """
    parser.add_argument(
        "--out", type=Path, default=_DEMO_DIR, metavar="DIR", help="folder to write to (default: ./demo)"
    )
    parser.add_argument("--seed", type=int, default=_DEMO_SEED, metavar="N", help="the room's noise (default: 1)")
    parser.add_argument("--persona", metavar="NAME|FILE", help="who the assistant is: see `huiyin personas`")
