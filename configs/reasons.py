"""Why each setting's default is what it is: in English where the setting stands, in Chinese in a table."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from functools import cache
from itertools import pairwise

from huiyin.configs.messages import FOLDER
from huiyin.configs.tables import read_table

_SHARED = "shared"
_CHINESE = FOLDER / "zh" / "settings.toml"


@cache
def reasons(section: type) -> dict[str, str]:
    """Field -> the docstring below it in the source: the reason for its default."""
    found: dict[str, str] = {}
    for one in filter(dataclasses.is_dataclass, section.__mro__):  # sections share settings by a base class
        (definition,) = ast.parse(inspect.getsource(one)).body
        assert isinstance(definition, ast.ClassDef)
        found |= {
            ast.unparse(setting.target): " ".join(ast.literal_eval(reason.value).split())
            for setting, reason in pairwise(definition.body)
            if isinstance(setting, ast.AnnAssign) and isinstance(reason, ast.Expr)
        }
    return found


def reason_in(language: str, section: type, name: str) -> str:
    """The reason of the setting `name`, 'asr.port', in 'zh' or 'en'. Raises KeyError for an unknown one."""
    part, _, key = name.partition(".")
    english = reasons(section)[key]
    if language != "zh":
        return english
    chinese = _chinese()
    return chinese.get(part, {}).get(key) or chinese[_SHARED].get(key, english)


@cache
def _chinese() -> dict[str, dict[str, str]]:
    """Section -> setting -> its reason."""
    return read_table(_CHINESE)
