"""What the measurements on a GPU share: whether there is one, and tables that say so without one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence

from benchmarks.output import show, tell

LENGTHS_S = (15.0, 60.0, 180.0, 300.0, 600.0, 900.0)
"""Of sound."""
PRECISIONS = ("fp16", "fp32")
NOT_MEASURED = "not measured"

Cells = list[str | None]
Row = tuple[str, Callable[[], Cells]]
"""Its name, and what measures its cells."""


def why_not() -> str:
    """Why nothing can be measured on a GPU here; '' where it can."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("funasr") is None:
        return "PyTorch and FunASR are not installed (make funasr)"
    import torch

    return "" if torch.cuda.is_available() else f"PyTorch {torch.__version__} finds no GPU"


def show_rows(heads: Sequence[str], rows: Sequence[Row], missing: str) -> None:
    """Print a table; `missing`: as `why_not` says."""

    def measured() -> Iterator[Cells]:
        for name, measure in rows:
            yield [name, *([NOT_MEASURED] * (len(heads) - 1) if missing else measure())]

    show(heads, measured())


def tell_missing(missing: str) -> None:
    """A line that says why, where there is no GPU."""
    if missing:
        tell(f"nothing is measured: {missing}")


def length(length_s: float) -> str:
    """15 s, 10 min, 2 h."""
    if length_s < 60:
        return f"{length_s:g} s"
    return f"{length_s / 60:g} min" if length_s < 3600 else f"{length_s / 3600:g} h"
