"""``huiyin licences``: what Huiyin consists of on this machine, and under which licences."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

from huiyin.assistant.faces.cli.shared import CommandError, check_writable, output_file
from huiyin.configs.messages import said
from huiyin.configs.packages.licences import exceptions, not_allowed
from huiyin.configs.packages.parts import Part, all_parts
from huiyin.configs.packages.sbom import bill_of_materials, in_use
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore

_MOST_NAMED = 3  # libraries of one licence in a wheel; more are counted


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print or write it. Returns the exit status; raises CommandError for a licence that is not allowed."""
    if args.sbom:
        check_writable(args.sbom)
    parts = all_parts(ModelStore(settings.store).catalog)
    if args.sbom:
        with output_file(args.sbom) as file:
            file.write(json.dumps(bill_of_materials(parts), ensure_ascii=False, indent=2).encode() + b"\n")
        print(said("shown.parts", path=args.sbom, count=len(in_use(parts))))
    elif args.json:
        print(json.dumps([dataclasses.asdict(part) for part in parts], ensure_ascii=False, indent=2))
    else:
        _show(parts)
    if wrong := not_allowed(parts):
        rows = [f"{part.key} {part.version}: {_licence(part)}" for part in wrong]
        raise CommandError("packages.licences_not_allowed", parts=rows)
    return 0


def _show(parts: Sequence[Part]) -> None:
    width = max(len(f"{part.name} {part.version}") for part in parts if not part.within)
    for part in parts:
        if not part.within:
            name = f"{part.name} {part.version}"
            print(f"{name:{width}}  {_licence(part)}{f'  ({part.extra})' if part.extra else ''}")
            _show_inside([inner for inner in parts if inner.within == part.name and part.kind == "package"])
    print("\n" + said("shown.against_the_rule"))
    for part, why in exceptions(parts):
        print(f"  {part.key}: {part.licence}; {why}")


def _show_inside(inner: Sequence[Part]) -> None:
    """A line for each licence of the libraries in a wheel."""
    for licence, count in Counter(map(_licence, inner)).most_common():
        names = [part.name for part in inner if _licence(part) == licence]
        more = count - _MOST_NAMED
        key = "shown.inside_more" if more > 0 else "shown.inside"
        print("    " + said(key, names=names[:_MOST_NAMED], more=more, licence=licence))


def _licence(part: Part) -> str:
    return part.licence or said("shown.unknown_licence")
