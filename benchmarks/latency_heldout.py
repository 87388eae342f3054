"""Recordings of people by which nothing was chosen, for ``python -m benchmarks.latency --held-out``.

They stand in public Git repositories, at fixed commits. `data/heldout_sources.toml` says which and under which
licence, `data/heldout.tsv` lists the recordings. What is fetched stays in the cache folder, never in this project.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as hash_of
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from benchmarks.latency_speech import Spoken, pauses_in, speech_in
from benchmarks.output import tell
from benchmarks.sentences import DATA
from huiyin.configs.files import into_place, write_whole
from huiyin.configs.layers import read_toml
from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.download import Downloader
from huiyin.services.common.audio import decode

SHARES = (0.5, 0.35, 0.65)  # of a recording without a pause of its own: where one is put in, in turn
_LONGEST_S = 60.0


@dataclass(frozen=True)
class HeldOut:
    """One recording. `repository`: OWNER/NAME on GitHub; `speaker`: as the corpus names them, "?" where it does not."""

    source: str
    repository: str
    commit: str
    path: str
    sha256: str
    speaker: str
    language: str

    @property
    def address(self) -> str:
        """Where it can be had."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{quote(self.path)}"

    @property
    def name(self) -> str:
        """For the report."""
        path = Path(self.path)
        return f"{self.source} {path.parent.name}/{path.stem}"

    def file(self, folder: Path) -> Path:
        """Where it is kept."""
        return folder / f"{self.sha256[:16]}{Path(self.path).suffix}"


def listed() -> list[HeldOut]:
    """All recordings of the set."""
    sources = read_toml(DATA / "heldout_sources.toml")
    with (DATA / "heldout.tsv").open(encoding="utf-8") as file:
        return [
            HeldOut(
                **{name: sources[row["source"]][name] for name in ("repository", "commit", "language")},
                **{name: row[name] for name in ("source", "path", "sha256", "speaker")},
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def fetch(recordings: Sequence[HeldOut], folder: Path, settings: StoreSettings, clones: Path | None = None) -> None:
    """Bring those that are not in `folder` yet, each checked by its sha256.

    `clones`: a folder of Git clones, OWNER/NAME (bare ones will do), to read instead of the network. Raises SourceError
    (network), SystemExit (clones).
    """
    missing = [recording for recording in recordings if not recording.file(folder).is_file()]
    if missing:
        tell(f"fetching {len(missing)} recordings into {folder} (once) …")
    folder.mkdir(parents=True, exist_ok=True)
    downloader = Downloader(settings.connect_timeout_s, settings.read_timeout_s)
    for recording in missing:
        file = recording.file(folder)
        if clones:
            write_whole(file, _in_clone(recording, clones))
        else:
            part = file.with_name(f".{file.name}.part")
            downloader.fetch_checked(recording.address, part, sha256=recording.sha256)
            into_place(part, file)


def _in_clone(recording: HeldOut, clones: Path) -> bytes:
    """The recording as the clone of its repository has it."""
    shown = git(clones / recording.repository, "show", f"{recording.commit}:{recording.path}")
    if shown.returncode:
        raise SystemExit(f"{recording.address} is not in {clones}: {shown.stderr.decode(errors='replace').strip()}")
    if (found := hash_of(shown.stdout).hexdigest()) != recording.sha256:
        raise SystemExit(f"{recording.address} has sha256 {found} in {clones}, not {recording.sha256}")
    return shown.stdout


def git(clone: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """What Git says in a clone; it may have failed."""
    return subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, check=False)


def spoken(recordings: Sequence[HeldOut], folder: Path) -> Iterator[Spoken]:
    """What is said in each, and where a pause is to be put in: nowhere where the speaker pauses."""
    shares = cycle(SHARES)
    for recording in recordings:
        sound = speech_in(decode(recording.file(folder), max_duration_s=_LONGEST_S).samples)
        pauses = () if any(pauses_in(sound)) else (next(shares),)
        yield Spoken(recording.name, recording.language, sound, pauses)
