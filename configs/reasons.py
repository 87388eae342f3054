"""Why each setting's default is what it is: in English where the setting stands, in Chinese in a table."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from functools import cache
from itertools import pairwise

from huiyin.configs import messages
from huiyin.configs.messages import FOLDER, Message
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


class Reason(Message):
    """That of the setting `name`, 'asr.port', as a fact of a message."""

    def __init__(self, section: type, name: str) -> None:
        super().__init__(name)
        self._section = section

    def text(self, language: str = "") -> str:
        """As `reason_in`; `language` '': the program's own."""
        return reason_in(language or messages.language(), self._section, self.key)


@cache
def _chinese() -> dict[str, dict[str, str]]:
    """Section -> setting -> its reason."""
    return read_table(_CHINESE)
