"""axe-core: what of a page people cannot use who see, hear or move differently.

It comes once from the npm registry that this machine uses: one version, checked by its hash, kept in
``~/.cache/huiyin``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from huiyin.configs.store.catalog import Archive
from huiyin.configs.store.download import Downloader
from huiyin.configs.store.errors import SourceError
from huiyin.configs.store.registry import Registries, open_member

ARCHIVE = Archive(
    kind="npm",
    package="axe-core",
    version="4.14.1",
    sha256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    member="package/axe.min.js",
)
_FOLDER = Path.home() / ".cache" / "huiyin" / "axe-core"
_CONNECT_S, _READ_S = 10.0, 30.0
_NO_NETWORK = ("store.no_answer", "store.name_not_resolved", "store.connection_refused", "store.unreachable")
_SERIOUS = ("serious", "critical")


def violations(page: Any) -> list[tuple[str, str]]:
    """(rule, elements) of what axe-core takes for serious; none where it cannot be had (`require`)."""
    script, _ = _script()
    if not script:
        return []
    page.evaluate(script)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [
        (rule["id"], "; ".join(node["html"][:120] + node["failureSummary"][-150:] for node in rule["nodes"][:3]))
        for rule in found
        if rule["impact"] in _SERIOUS
    ]


def require() -> None:
    """At the end of a test that asked for violations: it counts as skipped where there was no axe-core to find any."""
    script, why = _script()
    if not script:
        pytest.skip(f"all but axe-core passed: {ARCHIVE} is not in {_FOLDER}, and the registry is out of reach: {why}")


@cache
def _script() -> tuple[str, str]:
    """The program, or why there is none. Raises SourceError where the registry answers, and has something else."""
    path = _FOLDER / f"axe-core-{ARCHIVE.version}.tgz"
    if not path.is_file():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        part, http = path.with_suffix(".part"), Downloader(_CONNECT_S, _READ_S)
        try:
            where = Registries(http).locate(ARCHIVE)
            http.fetch_checked(where.url, part, sha256=ARCHIVE.sha256, verify=where.verify)
        except SourceError as error:
            if error.key not in _NO_NETWORK:
                raise
            return "", str(error)
        part.replace(path)
    with open_member(path, ARCHIVE) as script:
        return script.read().decode(), ""
