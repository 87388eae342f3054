"""Voice-to-voice latency and cut-offs, beside its peers: ``python -m benchmarks.latency --peer --realtime``.

Recorded and synthesised utterances, each with pauses of 200-700 ms, are played in real time to the live loop and, in
turn with it, to a Realtime client, to the page in Chromium, to a pipecat pipeline in its process and behind its own
WebSocket server, and to livekit's agent session. All use the same simulated services with fixed delays (ASR 70 ms,
first token 150 ms, then 40 a second, first sound 100 ms), and are at their defaults. The first run synthesises and
transcribes the recordings and installs the peers; a run then takes 4-5 s an utterance and side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import latency_heldout, latency_people
from benchmarks.command import WrongOption, as_command, existing_folder, one_or_more, writable
from benchmarks.latency_heldout import HeldOut
from benchmarks.latency_judge import CachedJudge, LlmService
from benchmarks.latency_page import Page
from benchmarks.latency_peers import LIVEKIT, PIPECAT, PIPECAT_SOCKET, Peer
from benchmarks.latency_realtime import Realtime, server_settings
from benchmarks.latency_report import HELD_OUT, USUAL, Measurement, draw, measurement, report
from benchmarks.latency_services import Delays, Recording
from benchmarks.latency_sides import Huiyin, ServicesProcess, Side
from benchmarks.latency_simulated import Simulated
from benchmarks.latency_speech import LONGEST_PAUSE_S, BenchmarkUtterance, recordings, utterances, with_pauses
from benchmarks.output import tell
from huiyin.configs import settings as config
from tests.support.realtime_server import server_process

_QUICK = 12  # utterances
_PEERS = {program.name: program for program in (PIPECAT, LIVEKIT, PIPECAT_SOCKET)}
_NO_OPENERS = "turns.openers=false"  # they are no replies: a peer has none, or counts them


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peer", nargs="?", const="all", choices=["all", *_PEERS], help="peers, too (put into the cache folder)"
    )
    parser.add_argument("--realtime", action="store_true", help="a Realtime client and the page, too")
    parser.add_argument("--without", nargs="+", default=[], metavar="SIDE", help="sides to leave out, by their names")
    parser.add_argument("--simulated", action="store_true", help="in virtual time instead: a minute, no load, no HTTP")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} utterances")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of Huiyin's to try")
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--unseen", action="store_true", help="40 other utterances, of offline voices alone")
    others.add_argument("--people", action="store_true", help="people's recordings to tune turns with")
    others.add_argument("--held-out", action="store_true", help="others, by which nothing is chosen; fetched once")
    parser.add_argument(
        "--clones", type=existing_folder, metavar="FOLDER", help="fetch them from Git clones, FOLDER/OWNER/NAME"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="utterances with TEXT in their name")
    parser.add_argument("--runs", type=one_or_more, default=1, help="figures are medians over so many (default 1)")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write every utterance")
    parser.add_argument("--png", type=writable, metavar="FILE", help="draw the latencies")
    args = parser.parse_args()
    args.set.insert(0, _NO_OPENERS)
    settings = config.load(environ={}, overrides=args.set)
    folder = settings.store.path.parent / "bench" / "latency"
    if args.held_out or args.people:
        listed = latency_heldout.listed() if args.held_out else latency_people.listed()
        spoken = _recorded(listed, settings, folder, args.clones)
    else:
        spoken = utterances(settings, folder, args.unseen)
    spoken = [utterance for utterance in spoken if args.only in utterance.name][: _QUICK if args.quick else None]
    if not spoken:
        raise WrongOption(f"--only: no utterance has {args.only!r} in its name")
    recorded = list(recordings(settings, spoken, folder))
    pauses_s = [end - start for utterance in spoken for start, end in utterance.pauses]
    assert max(pauses_s) <= LONGEST_PAUSE_S + 0.02
    tell(
        f"{len(spoken)} utterances with {len(pauses_s)} pauses of {min(pauses_s) * 1000:.0f}-"
        f"{max(pauses_s) * 1000:.0f} ms, {sum(utterance.duration_s for utterance in spoken):.0f} s of speech"
    )
    measured: list[Measurement] = []
    with contextlib.ExitStack() as opened:
        sides, play = _sides(args, settings, folder, spoken, recorded, opened)
        with contextlib.suppress(KeyboardInterrupt):  # what was measured until then is reported
            for run in range(args.runs):
                for utterance, recording in zip(spoken, recorded, strict=True):
                    play(recording)
                    for side in sides if run % 2 == 0 else reversed(sides):
                        measured.append(measurement(run, side.name, utterance, side.answer(utterance)))
                        tell(_line(measured[-1]))
        about = {side.name: side.about for side in sides if side.about}
    print(report(measured, about, targets=HELD_OUT if args.held_out else USUAL))
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for one in measured], ensure_ascii=False, indent=1), "utf-8")
    if args.png:
        args.png.write_bytes(draw(measured, f"Voice-to-voice latency, {len(spoken)} utterances with pauses"))


def _recorded(
    listed: Sequence[HeldOut], settings: config.Settings, folder: Path, clones: Path | None
) -> list[BenchmarkUtterance]:
    """The recordings listed, with a pause in each."""
    recorded = folder.parent / "held-out"
    latency_heldout.fetch(listed, recorded, settings.store, clones)
    return with_pauses(latency_heldout.spoken(listed, recorded))


def _sides(
    args: argparse.Namespace,
    settings: config.Settings,
    folder: Path,
    spoken: Sequence[BenchmarkUtterance],
    recorded: Sequence[Recording],
    opened: contextlib.ExitStack,
) -> tuple[list[Side], Callable[[Recording], None]]:
    """(who answers the utterances, what tells the services which one is played)."""
    if args.simulated:
        by_name = {utterance.name: recording for utterance, recording in zip(spoken, recorded, strict=True)}
        judge = CachedJudge(settings, folder)
        opened.callback(judge.close)
        return [Simulated(settings, args.set, by_name, Delays(), judge)], lambda recording: None
    services = opened.enter_context(ServicesProcess())
    llm = LlmService(settings, upstream=f"http://127.0.0.1:{services.port}/v1")
    opened.callback(llm.close)
    makers: dict[str, Callable[[], Side]] = {
        Huiyin.name: lambda: Huiyin(llm.settings, services.port, Delays(), llm.settings.llm.port)
    }
    if args.realtime:
        changes = server_settings(llm.settings, services.port)
        url = opened.enter_context(server_process(folder / "realtime.log", **changes)).url
        makers |= {Realtime.name: lambda: Realtime(url), Page.name: lambda: Page(url)}
    if args.peer:
        every = [PIPECAT, LIVEKIT, *([PIPECAT_SOCKET] if args.realtime else [])]
        programs = every if args.peer == "all" else [_PEERS[args.peer]]
        for program in programs:
            makers[program.name] = lambda program=program: Peer(program, folder.parent, services.port)
    if unknown := set(args.without) - set(makers):
        raise WrongOption(f"--without: no side {', '.join(sorted(unknown))}: there are {', '.join(makers)}")
    sides: list[Side] = []
    for name, make in makers.items():
        if name not in args.without:
            sides.append(make())
            opened.callback(sides[-1].close)
    return sides, services.play


def _line(one: Measurement) -> str:
    latency = "-" if one.latency_s is None else f"{one.latency_s * 1000:.0f} ms"
    latency = "lost" if one.is_lost else "cut off" if one.is_cut_off else latency
    limit = f"limit {one.limit_s * 1000:4.0f}, wait {(one.wait_s or 0) * 1000:4.0f}" if one.limit_s else ""
    return f"{one.side:<10} {one.language} {latency:>8}  {limit:<24} {one.utterance}"


if __name__ == "__main__":
    as_command(main)
