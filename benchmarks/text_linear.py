"""How long texts take that are made to take long: ``python -m benchmarks.text_linear``.

Milliseconds of the processor, the best of three, for 10,000 and 20,000 characters: twice as long is right. The clause
splitter gets its text character by character, as from a model; speech text is made of all of it at once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from benchmarks.command import as_command
from huiyin.assistant.dialogue.clauses import ClauseSplitter
from huiyin.services.tts.spoken import spoken

LENGTHS = (10_000, 20_000)  # characters
PROSE = "今天天气不错，我们可以去公园散步，然后喝一杯咖啡。It is a nice day, and you may walk along the river with me. "
OPENINGS = ("", "`", "$", "[", "《", "<", "<think>", "https://a.b/", "| ", "```\n")
CHARACTERS = ":,. \"'\n“「[《<#*`字a，。"
COUNT = 3


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    texts = {f"prose behind {opening!r}": opening + PROSE * (LENGTHS[-1] // len(PROSE) + 1) for opening in OPENINGS}
    texts |= {f"only {character!r}": character * LENGTHS[-1] for character in CHARACTERS}
    texts |= {f"a word, only {character!r}": "word" + character * LENGTHS[-1] for character in CHARACTERS}
    print(f"{'ms':<30}{'clauses, 10,000':>18}{'20,000':>10}{'spoken, 10,000':>18}{'20,000':>10}")
    for name, text in texts.items():
        row = [_milliseconds(work, text[:length]) for work in (_clauses, spoken) for length in LENGTHS]
        print(f"{name:<30}{row[0]:>18.1f}{row[1]:>10.1f}{row[2]:>18.1f}{row[3]:>10.1f}", flush=True)
    return 0


def _clauses(text: str) -> None:
    splitter = ClauseSplitter()
    for character in text:
        splitter.feed(character)
    splitter.finish()


def _milliseconds(work: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(COUNT):
        started = time.process_time()
        work(text)
        times.append(time.process_time() - started)
    return 1000 * min(times)


if __name__ == "__main__":
    as_command(main)
