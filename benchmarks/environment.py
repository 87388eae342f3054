"""Virtual environments of the programs that are measured beside this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from benchmarks.output import tell


def python_with(home: Path, *packages: str) -> Path:
    """A Python that has these packages: a virtual environment at `home`, made once. Raises CalledProcessError."""
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready, wanted = home / ".ready", " ".join(packages)
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{home}.lock"):  # tests run in several processes
        if not python.is_file() or not ready.is_file() or ready.read_text() != wanted:
            tell(f"installing {wanted} into {home} (once) …")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages]
            subprocess.run(install, check=True)
            ready.write_text(wanted)
    return python
