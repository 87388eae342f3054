"""``python -m huiyin.services.asr.sensevoice FOLDER``: the program of ``huiyin models export sensevoice``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.asr.sensevoice.export import exported


def main(folder: Path) -> None:
    """Make both forms and print where they are."""
    for precision in ("int8", "fp32"):
        started = time.perf_counter()
        graph = exported(folder, precision)
        size = sum(file.stat().st_size for file in graph.parent.iterdir())
        print(f"{precision}: {graph.parent}, {size / 1e6:.0f} MB, {time.perf_counter() - started:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ModelFolderError as error:
        sys.exit(f"huiyin: {error}")
