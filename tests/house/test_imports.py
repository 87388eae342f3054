"""Who imports whom: one way between the rooms, and never in a circle.

What counts: every import written in a file of `assistant`, `services`, `configs` or `benchmarks`, wherever it stands:
at the top, in a function, below ``if TYPE_CHECKING``. ``from package import name`` leads to the file of that name where
there is one, else to the package's ``__init__``. An import also leads to the ``__init__`` of each package on its path
that the importing file does not lie in itself, since that is run, too. Modules that are named in texts do not count:
the commands of `faces/cli/main.py`, the programs that `subprocess` runs.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.big_tables import forgotten_afterwards

PACKAGES = ("assistant", "services", "configs")  # imported below `huiyin`

PURE = {"turns", "dialogue"}
PORTS = {*PURE, "ports"}
CONVERSATION = {*PORTS, "ears", "clients", "conversation"}
TOOLS = {*PURE, "clients", "tools"}
ARROWS: dict[str, set[str]] = {
    "turns": set(),
    "dialogue": set(),
    "ports": PURE,
    "ears": PORTS,
    "clients": PORTS,
    "conversation": CONVERSATION,
    "tools": TOOLS,
    "scenario": CONVERSATION,
    "scale": {"clients"},
    "faces": {*CONVERSATION, *TOOLS, "scenario", "scale"},
}
"""Room of `assistant` -> the other rooms that it may import; below there are configs and services.common for all."""

BELOW_PURE = (
    "huiyin.configs",
    "huiyin.services.common.directions",
    "huiyin.services.common.text",
    "huiyin.services.common.text_command",
    "huiyin.services.common.think",
)
"""Outside of `assistant`, what a pure room may import: settings, errors with their words, helpers for text and their
command."""


@cache
def modules() -> dict[str, Path]:
    """Name -> file of every module of the house."""
    found = {}
    for top in (*PACKAGES, "benchmarks"):
        for path in (ROOT / top).rglob("*.py"):
            names = list(path.relative_to(ROOT).with_suffix("").parts)
            if names[-1] == "__init__":
                names.pop()
            found[".".join(["huiyin", *names] if top in PACKAGES else names)] = path
    return found


@cache
def nodes(module: str) -> list[ast.AST]:
    """Everything that is written in a module."""
    return list(ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))))


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    with forgotten_afterwards(nodes):
        yield


def packages_of(module: str) -> list[str]:
    """The packages that a module lies in, the innermost first."""
    names = module.split(".")
    return [".".join(names[:count]) for count in range(len(names) - 1, 0, -1)]


def written(module: str) -> Iterator[tuple[str, str]]:
    """The imports of a module: ("a.b", "") for ``import a.b``, ("a.b", "c") for ``from a.b import c``."""
    around = packages_of(module)
    if modules()[module].name == "__init__.py":
        around.insert(0, module)
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [around[node.level - 1]] if node.level else []
            base += [node.module] if node.module else []
            yield from ((".".join(base), alias.name) for alias in node.names)


@cache
def imported(module: str) -> set[str]:
    """The modules of the house that a module imports."""
    found = set()
    for base, name in written(module):
        target = f"{base}.{name}" if f"{base}.{name}" in modules() else base
        found.add(target)
        found.update(package for package in packages_of(target) if package not in packages_of(module))
    return (found & modules().keys()) - {module}


def imports() -> Iterator[tuple[str, str]]:
    """(module, module that it imports), all of the house."""
    for module in sorted(modules()):
        for target in sorted(imported(module)):
            yield module, target


def room(module: str) -> str:
    """The room of `assistant` that a module lies in; '' elsewhere."""
    names = module.split(".")
    return names[2] if names[:2] == ["huiyin", "assistant"] and len(names) > 2 else ""


def is_in(module: str, *packages: str) -> bool:
    """Whether a module is one of these packages, or lies in one."""
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


def test_no_files_import_each_other() -> None:
    """Neither two of them nor more in a circle."""
    graph = {module: set(imported(module)) for module in modules()}
    circles = []
    while circle := circle_in(graph):
        circles.append(" <- ".join(circle))
        graph[circle[1]].remove(circle[0])
    assert not circles, "\n".join(circles)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Modules of which each is imported by the next, the first again at the end; [] where there is no circle."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_rooms_of_the_assistant_import_one_way() -> None:
    """What a room imports is one of those that `ARROWS` name."""
    wrong = []
    below_pure = {package for module in BELOW_PURE for package in packages_of(module)}
    for module, target in imports():
        here, there = room(module), room(target)
        if here and there:
            allowed = there == here or there in ARROWS[here]
        elif here in PURE:
            allowed = is_in(target, *BELOW_PURE) or target in below_pure
        else:
            allowed = True
        wrong += [] if allowed else [f"{module} imports {target}"]
    assert not wrong, "\n".join(wrong)


def test_assistant_and_services_know_each_other_by_http_alone() -> None:
    """What both use lies in configs, which imports neither, and in services.common, which imports no service."""
    common = "huiyin.services.common"
    wrong = []
    for module, target in imports():
        if is_in(module, "huiyin.assistant"):
            allowed = is_in(target, "huiyin.assistant", "huiyin.configs", common) or target == "huiyin.services"
        elif is_in(module, common):
            allowed = is_in(target, "huiyin.configs", common) or target == "huiyin.services"
        elif is_in(module, "huiyin.services"):
            allowed = is_in(target, "huiyin.services", "huiyin.configs")
        elif is_in(module, "huiyin.configs"):
            allowed = is_in(target, "huiyin.configs")
        else:
            allowed = True
        wrong += [] if allowed else [f"{module} imports {target}"]
    assert not wrong, "\n".join(wrong)


def test_what_begins_with_an_underscore_stays_in_its_file() -> None:
    """It is neither imported by name nor reached through an imported module."""
    wrong = []
    for module in modules():
        aliases = {}
        for base, name in written(module):
            aliases[name] = f"{base}.{name}"
            if name.startswith("_") and base in modules():
                wrong.append(f"{module} imports {name} from {base}")
        for node in nodes(module):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                alias = aliases.get(node.value.id)
                if alias in modules() and node.attr.startswith("_") and not node.attr.startswith("__"):
                    wrong.append(f"{module} uses {alias}.{node.attr}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("top", PACKAGES)
def test_a_top_folder_has_one_name(top: str) -> None:
    """Imported without `huiyin` in front it would be loaded twice: it refuses, and names the right one."""
    code = compile((ROOT / top / "__init__.py").read_text(encoding="utf-8"), top, "exec")
    exec(code, {"__name__": f"huiyin.{top}"})
    with pytest.raises(ImportError, match=rf"huiyin\.{top}"):
        exec(code, {"__name__": top})
