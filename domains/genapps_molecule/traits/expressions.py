"""Expressions over figures of molecules, as a person writes them: "qed * 0.5 + similarity(LEAD.smi) * 0.5".

Numbers, properties, functions of molecules, + - * / ^, parentheses, and functions of numbers. Parsed here rather than
by Python, so that nothing a person writes is ever run, and so that a file can be named without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_molecule.traits.measures import MEASURES
from genapps_molecule.traits.properties import PROPERTIES

LONGEST = 10_000  # characters of an expression
DEEPEST = 50  # parentheses in one another
_TOLD = 30  # names beside the properties

Table = Mapping[str, NDArray[np.float64]]
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|[<>=!]=|\S))")
_FUNCTIONS: dict[str, tuple[int, Callable[..., NDArray[np.float64]]]] = {
    "abs": (1, np.abs),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "sqrt": (1, np.sqrt),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
_SUMS: dict[str, Callable[..., NDArray[np.float64]]] = {"+": np.add, "-": np.subtract}
_PRODUCTS: dict[str, Callable[..., NDArray[np.float64]]] = {"*": np.multiply, "/": np.divide}
_COMPARISONS = {"<=": "<=", ">=": ">=", "<": "<", ">": ">", "==": "==", "=": "==", "!=": "!="}


@dataclass(frozen=True)
class Expression:
    """An expression that was parsed: `names` are the figures it needs of each molecule.

    A function of molecules is a figure too, by the name it was written with: "similarity(LEAD.smi)".
    """

    text: str
    names: tuple[str, ...]
    steps: tuple[str | float | tuple[int, Callable[..., NDArray[np.float64]]], ...]  # operands before what takes them

    @classmethod
    def parse(cls, text: str, extra: Collection[str] = ()) -> Expression:
        """Of a text; `extra` are names it may use beside the properties, quoted where they are not one word.

        Raises UsageError saying what is wrong.
        """
        parser = Parser(text, extra)
        expression = parser.expression()
        parser.expect_end()
        return expression

    def value(self, table: Table) -> NDArray[np.float64]:
        """The value for each molecule, (N,) from figures (N,); what is not defined is NaN or infinite."""
        held: list[NDArray[np.float64]] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, str):
                    held.append(np.asarray(table[step], np.float64))
                elif isinstance(step, tuple):
                    count, function = step
                    held[-count:] = [function(*held[-count:])]
                else:
                    held.append(np.float64(step))  # type: ignore[arg-type]
        rows = max((len(column) for column in table.values()), default=0)
        return np.broadcast_to(held[0], rows).astype(np.float64)

    @property
    def constant(self) -> float | None:
        """Its value where it says nothing of a molecule."""
        return None if self.names else float(self.value({"": np.zeros(1)})[0])


@dataclass(frozen=True)
class Comparison:
    """Two expressions and how they are to compare."""

    left: Expression
    sign: str  # <=, <, >=, >, ==, !=
    right: Expression

    @property
    def text(self) -> str:
        return f"{self.left.text}{self.sign}{self.right.text}"


class Parser:
    """Reads a text from left to right by precedence, writing steps as it goes."""

    def __init__(self, text: str, extra: Collection[str] = ()) -> None:
        if len(text) > LONGEST:
            raise UsageError(f"an expression of {len(text):,} characters; {LONGEST:,} are the most")
        self.text = text.replace("≤", "<=").replace("≥", ">=").replace("−", "-")
        self.extra = extra
        self.at = 0
        self.depth = 0
        self.steps: list[str | float | tuple[int, Callable[..., NDArray[np.float64]]]] = []

    def expression(self) -> Expression:
        """One expression, from here to where none can go on."""
        self.steps, start = [], self.at
        self._sum()
        names = dict.fromkeys(step for step in self.steps if isinstance(step, str))
        return Expression(self.text[start : self.at].strip(), tuple(names), tuple(self.steps))

    def comparisons(self) -> list[Comparison]:
        """Expressions with signs between them: a <= b <= c is two comparisons."""
        found = []
        left = self.expression()
        while (sign := _COMPARISONS.get(self._peek())) is not None:
            self._take()
            right = self.expression()
            found.append(Comparison(left, sign, right))
            left = right
        if not found:
            raise self.wrong(f"{left.text!r} is compared with nothing; write {left.text}>=0.5 or 0.2<={left.text}<=0.8")
        return found

    def takes(self, *marks: str) -> bool:
        """Whether one of the marks comes next, which is gone past."""
        if self._peek() in marks:
            self._take()
            return True
        return False

    def ended(self) -> bool:
        """Whether nothing is left."""
        return not self._peek()

    def expect_end(self) -> None:
        """Raises UsageError where something is left."""
        if not self.ended():
            raise self.wrong(f"{self._peek()!r} is not understood")

    def wrong(self, words: str) -> UsageError:
        """The error that says what is wrong, and where."""
        shown = self.text if len(self.text) <= 80 else f"{self.text[:77]}..."
        return UsageError(f"{shown!r}: {words} (at character {min(self.at, len(self.text)) + 1})")

    def _sum(self) -> None:
        self._deeper()
        self._product()
        while (mark := self._peek()) in _SUMS:
            self._take()
            self._product()
            self.steps.append((2, _SUMS[mark]))
        self.depth -= 1

    def _product(self) -> None:
        self._signed()
        while (mark := self._peek()) in _PRODUCTS:
            self._take()
            self._signed()
            self.steps.append((2, _PRODUCTS[mark]))

    def _signed(self) -> None:
        if self.takes("-"):
            self._deeper()
            self._signed()
            self.depth -= 1
            self.steps.append((1, np.negative))
            return
        self.takes("+")
        self._power()

    def _power(self) -> None:
        self._atom()
        if self.takes("^", "**"):
            self._deeper()
            self._signed()
            self.depth -= 1
            self.steps.append((2, np.power))

    def _atom(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        number, name, mark = match.groups() if match else ("", "", "")
        if number:
            self._take()
            self.steps.append(float(number))
        elif name:
            self._take()
            self._named(name)
        elif mark == "(":
            self._take()
            self._sum()
            self._close()
        elif mark and mark in "\"'`" and self.extra:
            self._quoted(mark)
        else:
            raise self.wrong(f"a number or a property is missing before {mark!r}" if mark else "it ends too early")

    def _quoted(self, mark: str) -> None:
        """A name that is not one word, such as 'Ki nM'."""
        self._take()
        end = self.text.find(mark, self.at)
        if end < 0:
            raise self.wrong("a quote is not closed")
        name, self.at = self.text[self.at : end], end + 1
        if name not in self.extra:
            raise self._unknown(name)
        self.steps.append(name)

    def _named(self, name: str) -> None:
        if name in self.extra:
            self.steps.append(name)
        elif self._peek() == "(":
            self._take()
            self._called(name)
        elif name in PROPERTIES:
            self.steps.append(name)
        elif name.lower() in PROPERTIES:
            self.steps.append(name.lower())
        else:
            raise self._unknown(name)

    def _unknown(self, name: str) -> UsageError:
        there = ", ".join(PROPERTIES)
        if self.extra:
            there += f"; and columns of numbers: {', '.join(list(self.extra)[:_TOLD])}"
        return UsageError(
            f"{name!r} is no property.{did_you_mean(name, [*PROPERTIES, *self.extra])} There are: {there}"
        )

    def _called(self, name: str) -> None:
        if name in MEASURES:
            self.steps.append(f"{name}({self._argument()})")
            return
        if name not in _FUNCTIONS:
            known = [*_FUNCTIONS, *MEASURES]
            raise UsageError(f"{name!r} is no function.{did_you_mean(name, known)} There are: {', '.join(known)}")
        count, function = _FUNCTIONS[name]
        self._sum()
        given = 1
        while self.takes(","):
            self._sum()
            given += 1
            if count == 2:
                self.steps.append((2, function))
        self._close()
        if count == 1:
            if given != 1:
                raise self.wrong(f"{name} takes one value, not {given}")
            self.steps.append((1, function))

    def _argument(self) -> str:
        """What stands up to the parenthesis that closes, as it was written; quotes around it are left out."""
        depth, start, quote = 1, self.at, ""
        for at in range(start, len(self.text)):
            mark = self.text[at]
            if quote:
                quote = "" if mark == quote else quote
            elif mark in "\"'":
                quote = mark
            else:
                depth += (mark == "(") - (mark == ")")
            if depth == 0:
                self.at = at + 1
                argument = self.text[start:at].strip()
                quoted = len(argument) >= 2 and argument[0] in "\"'" and argument[-1] == argument[0]
                return argument[1:-1] if quoted else argument
        raise self.wrong("a parenthesis is not closed")

    def _close(self) -> None:
        if not self.takes(")"):
            raise self.wrong("a parenthesis is not closed")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} parentheses in one another")

    def _peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return match[0].strip() if match else ""

    def _take(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        self.at = match.end() if match else len(self.text)


def names_of(expressions: Iterable[Expression]) -> tuple[str, ...]:
    """The figures that several expressions need, each once, in the order of their first use."""
    return tuple(dict.fromkeys(name for expression in expressions for name in expression.names))
