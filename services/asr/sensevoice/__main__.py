"""``python -m huiyin.services.asr.sensevoice FOLDER``: the program of ``huiyin models convert sensevoice``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from huiyin.configs.errors import HuiyinError
from huiyin.configs.packages.extras import told_by_name
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
        with told_by_name():
            main(Path(sys.argv[1]))
    except HuiyinError as error:
        sys.exit(f"huiyin: {error}")
