"""Sums, and units into one another. Money of two countries needs a rate, which nothing here knows."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from huiyin.assistant.tools.own import Argument, OwnTool, ToolError, own_tool

_MOST_CHARACTERS = 200
_MOST_EXPONENT = 1000.0
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "round": round, "abs": abs, "min": min, "max": max, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "log": math.log, "log10": math.log10, "exp": math.exp, "floor": math.floor, "ceil": math.ceil,
}  # fmt: skip
_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "（": "(", "）": ")", "^": "**", "，": ",", "。": ".", "％": "%"})

_UNITS = {
    "公里": "km", "千米": "km", "里": "500 m", "米": "m", "厘米": "cm", "公分": "cm", "毫米": "mm", "尺": "(1/3) m",
    "寸": "(1/30) m", "英里": "mile", "英尺": "foot", "英寸": "inch", "公斤": "kg", "千克": "kg", "斤": "500 g",
    "两": "50 g", "克": "g", "吨": "tonne", "磅": "lb", "盎司": "oz", "升": "liter", "毫升": "ml", "加仑": "gallon",
    "亩": "(2000/3) m**2", "公顷": "hectare", "平方米": "m**2", "平方公里": "km**2", "小时": "hour", "分钟": "minute",
    "秒": "s", "天": "day", "周": "week", "摄氏度": "degC", "华氏度": "degF", "千卡": "kcal", "大卡": "kcal",
    "celsius": "degC", "fahrenheit": "degF", "c": "degC", "f": "degF", "°c": "degC", "°f": "degF", "℃": "degC",
    "℉": "degF", "mph": "mile/hour", "kmh": "km/hour", "km/h": "km/hour", "公里每小时": "km/hour",
}  # fmt: skip


def arithmetic_tools() -> list[OwnTool]:
    """A calculator and, where the package pint is installed, a converter of units."""
    tools = [
        own_tool(
            "calculate", "Work out a sum, also of money, shares and percentages.",
            lambda arguments: _shown(calculate(str(arguments["expression"]))),
            Argument("expression", "as 0.15*80 or (3+4)/2"), effect="reads",
        )
    ]  # fmt: skip
    if _registry() is not None:
        tools.append(
            own_tool(
                "convert_units", "Convert a quantity: lengths, weights, temperatures, speeds … (no currencies).",
                lambda arguments: convert(
                    float(arguments["amount"]), str(arguments["from_unit"]), str(arguments["to_unit"])
                ),
                Argument("amount", "how many", "number"), Argument("from_unit", "as mile"),
                Argument("to_unit", "as km"), effect="reads",
            )
        )  # fmt: skip
    return tools


def calculate(expression: str) -> float:
    """The value of a sum. Raises ToolError."""
    if len(expression) > _MOST_CHARACTERS:
        raise ToolError("tools.long_sum")
    try:
        return _value(ast.parse(expression.translate(_SIGNS).strip().rstrip("="), mode="eval").body)
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError):
        raise ToolError("tools.no_sum", text=expression) from None
    except ZeroDivisionError:
        raise ToolError("tools.by_zero") from None
    except OverflowError:
        raise ToolError("tools.too_large") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, exponent = float(_value(left)), float(_value(right))
            if abs(exponent) > _MOST_EXPONENT:
                raise OverflowError
            return base**exponent
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_value, args))
        case ast.Name(id="pi"):
            return math.pi
    raise ValueError("not a sum")


def convert(amount: float, unit: str, into: str) -> str:
    """An amount of `unit` in the unit `into`, with it. Raises ToolError."""
    registry = _registry()
    assert registry is not None
    import pint

    try:
        source, target = (registry.parse_expression(_UNITS.get(each.strip().lower(), each)) for each in (unit, into))
        source, target = (
            each if isinstance(each, pint.Quantity) else registry.Quantity(each) for each in (source, target)
        )
        quantity = registry.Quantity(amount * source.magnitude, source.units)
        result = quantity.to(target.units).magnitude / target.magnitude
    except Exception as error:  # its parser raises of many kinds
        raise ToolError("tools.no_conversion", unit=unit, into=into, why=error) from None
    return f"{_shown(result)} {into}"


@cache
def _registry() -> Any:
    try:
        import pint
    except ImportError:
        return None
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


def _shown(value: Any) -> str:
    if isinstance(value, complex) or not math.isfinite(value):
        raise ToolError("tools.no_number")
    return f"{value:.10g}"
