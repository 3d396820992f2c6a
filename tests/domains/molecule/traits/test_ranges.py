"""Wishes and expressions: what is understood, what is refused, and how far a molecule is from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import UsageError
from genapps_molecule.traits.expressions import DEEPEST, LONGEST
from genapps_molecule.traits.ranges import Expression, Wish

TABLE = {"qed": np.array([0.2, 0.6, 0.9, np.nan]), "mw": np.array([180.0, 300.0, 520.0, 400.0])}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("qed>=0.6", [False, True, True, False]),
        ("0.6 <= qed", [False, True, True, False]),
        ("qed ≥ 0.6, 250<=mw<=500", [False, True, False, False]),
        ("qed>0.1 and mw!=300", [True, False, True, False]),
        ("QED>0.5; mw<500,", [False, True, False, False]),
        ("mw/1000 < qed", [True, True, True, False]),
        ("max(qed, 0.7) = 0.7", [True, True, False, False]),
    ],
)
def test_what_meets_a_wish(text: str, met: list[bool]) -> None:
    wish = Wish.parse(text)
    assert wish.meets(TABLE).tolist() == met
    assert (wish.distance(TABLE) == 0).tolist() == met
    assert [not words for words in wish.missed(TABLE)] == met


def test_distance_is_in_spreads_and_adds_up() -> None:
    assert Wish.parse("mw<=400").distance(TABLE).tolist() == pytest.approx([0, 0, 1.2, 0])
    both = Wish.parse("mw<=400, qed<=0.5").distance({"mw": np.array([500.0]), "qed": np.array([0.9])})
    assert both.tolist() == pytest.approx([1.0 + 2.0])
    assert Wish.parse("mw<300").distance(TABLE)[1] > 0, "at the bound that is left out it is not met"
    assert np.isinf(Wish.parse("qed>0").distance(TABLE)[3])


@pytest.mark.parametrize(
    "text",
    ["qed>=0.8, qed<0.5", "qed>1.2", "0.2<hbd<0.8", "2<=rings<2", "sa<1", "rings>2, rings<3", "fsp3<0", "0.5>qed>0.5"],
)
def test_contradictions_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no molecule can meet"):
        Wish.parse(text)


@pytest.mark.parametrize("text", ["qed>=0.5, qed<=0.5", "2<=rings<=2", "logp<-3", "charge=-1", "hbd=0"])
def test_narrow_wishes_are_not(text: str) -> None:
    assert Wish.parse(text).names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no range"),
        ("qed", "compared with nothing"),
        ("qedd>0.5", "Did you mean 'qed'"),
        ("qed>", "ends too early"),
        ("(qed>0.5", "not closed"),
        ("qed>0.5 mw<3", "not understood"),
        ("1<2", "says nothing"),
        ("foo(qed)>1", "no function"),
        ("__import__('os')>1", "no function"),
        ("qed.__class__>1", "compared with nothing"),
        ("log(qed, 2)>1", "one value"),
        ("similarity(missing.smi)>0.3", "neither a file nor a molecule"),
        ("(" * (DEEPEST + 1) + "qed", "parentheses"),
        ("-" * 1000 + "qed>0", "parentheses"),
        ("q" * (LONGEST + 1), "characters"),
    ],
)
def test_what_is_not_understood_is_told(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as error:
        wish = Wish.parse(text)
        wish.meets(figures_of(wish))
    assert "\n" not in str(error.value)


def figures_of(wish: Wish) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    from rdkit import Chem

    from genapps_molecule.traits.measures import figures

    return figures([Chem.MolFromSmiles("CCO")], wish.names)


NUMBERS = st.floats(0.1, 9, allow_nan=False).map(lambda x: round(x, 2))
EXPRESSIONS = st.recursive(
    NUMBERS.map(str) | st.sampled_from(["qed", "mw"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({parts[0]}{parts[1]}{parts[2]})")
        | inner.map(lambda text: f"-{text}")
    ),
    max_leaves=8,
)


def oracle(text: str, qed: float, mw: float) -> float:
    """Python's own parser, walked by hand."""
    import ast

    def value(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=number):
                return float(number)  # type: ignore[arg-type]
            case ast.Name(id=name):
                return {"qed": qed, "mw": mw}[name]
            case ast.UnaryOp(operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = value(left), value(right)
                if isinstance(op, ast.Div):
                    return a / b if b else math.nan
                return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
        raise AssertionError(node)

    return value(ast.parse(text, mode="eval").body)


@given(EXPRESSIONS)
def test_values_are_those_of_arithmetic(text: str) -> None:
    table = {"qed": np.array([0.5]), "mw": np.array([3.25])}
    found, expected = float(Expression.parse(text).value(table)[0]), oracle(text, 0.5, 3.25)
    assert math.isnan(expected) or not math.isfinite(found) or found == pytest.approx(expected, nan_ok=True)


def test_precedence_and_names() -> None:
    table = {"qed": np.array([2.0]), "similarity(a b.smi)": np.array([0.25])}
    assert Expression.parse("-qed^2").value(table).tolist() == [-4.0]
    assert Expression.parse("2^3^2").constant == 512
    assert Expression.parse("1-2-3").constant == -4
    one = Expression.parse("qed*0.5 + similarity('a b.smi')*2")
    assert one.names == ("qed", "similarity(a b.smi)")
    assert one.value(table).tolist() == [1.5]
    assert Expression.parse("pIC50-1", extra=["pIC50"]).names == ("pIC50",)
