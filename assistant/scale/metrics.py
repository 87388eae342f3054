"""The metrics of all replicas as one text, each sample with the name of its replica. Pure.

The form is Prometheus's (https://prometheus.io/docs/instrumenting/exposition_formats/): samples of a family stand
together, below its help and type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?( .+)")
_ABOUT = re.compile(r"# (?:HELP|TYPE) (\S+)")


def merged(texts: Mapping[str, str], label: str = "replica") -> str:
    """`texts`: the value of `label` -> what its program answers at /metrics."""
    about: dict[str, dict[str, None]] = {}
    samples: dict[str, list[str]] = {}
    for name, text in texts.items():
        family = ""
        for line in text.splitlines():
            if found := _ABOUT.match(line):
                family = found[1]
                about.setdefault(family, {})[line] = None
            elif found := _SAMPLE.fullmatch(line):
                labels = ",".join(filter(None, (f'{label}="{name}"', found[2])))
                samples.setdefault(family or found[1], []).append(f"{found[1]}{{{labels}}}{found[3]}")
    return "".join(f"{line}\n" for family in samples for line in [*about.get(family, ()), *samples[family]])
