"""The contract of every kind of column: what goes in comes out, of the same type, and conditions hold."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import UsageError
from genapps.spaces import Categorical, Constraint
from genapps_tabular.columns import CODECS, fit_column
from genapps_tabular.columns.base import CodecConfig, ColumnCodec, Draw
from genapps_tabular.conditions import Between, Condition, Equals, IsMissing, OneOf
from genapps_tabular.detection import detect_column

ROWS = 600
RNG = np.random.default_rng(7)
NUMBERS = RNG.gamma(2.0, 300.0, ROWS)
MOMENTS = [dt.datetime(2019, 3, 1) + dt.timedelta(seconds=int(s)) for s in RNG.integers(0, 700 * 86_400, ROWS)]
WORDS = [f"w{i}" for i in RNG.zipf(1.3, ROWS) % 400]


@dataclass(frozen=True)
class Case:
    """A column, the settings it is coded with, conditions that can hold and those that cannot."""

    name: str
    array: pa.Array
    codec: str
    config: CodecConfig = field(default_factory=CodecConfig)
    possible: tuple[tuple[Condition, Callable[[Any], bool]], ...] = ()
    impossible: tuple[Condition, ...] = ()


def text(values: list[Any]) -> pa.Array:
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def gaps(values: list[Any]) -> list[Any]:
    return [None if i % 9 == 0 else v for i, v in enumerate(values)]


def missing(value: Any) -> bool:
    return value is None


MIXED = CodecConfig(numbers="mixed")
NUMBER_CONDITIONS: tuple[tuple[Condition, Callable[[Any], bool]], ...] = (
    (Between("100", "200"), lambda v: 100 <= float(v) <= 200),
    (Between(None, 321), lambda v: float(v) <= 321),
    (Between(555.5, None), lambda v: float(v) >= 555.5),
)
DATE_CONDITIONS: tuple[tuple[Condition, Callable[[Any], bool]], ...] = (
    (Between("2019-06-30", "2019-07-02"), lambda v: "2019-06-30" <= str(v)[:10] <= "2019-07-02"),
    (Equals("2020-02"), lambda v: str(v)[:7] == "2020-02"),
    (OneOf(("2019", "2020-06")), lambda v: str(v)[:4] == "2019" or str(v)[:7] == "2020-06"),
)
CASES = [
    Case("integers", pa.array(np.round(NUMBERS).astype(int)), "number_tokens", possible=NUMBER_CONDITIONS),
    Case("cents as text", text([f"{x:.2f}" for x in NUMBERS]), "number_tokens", possible=NUMBER_CONDITIONS),
    Case("floats", pa.array(NUMBERS), "number_tokens", possible=NUMBER_CONDITIONS),
    Case("float32 with gaps", pa.array(gaps(list(NUMBERS)), pa.float32()), "number_tokens",
         possible=(*NUMBER_CONDITIONS, (IsMissing(), missing))),
    Case("few numbers", text([str(i % 7) for i in range(ROWS)]), "number_tokens",
         possible=((OneOf(("2", 3)), lambda v: v in "23"), (Between(3, 5), lambda v: v in "345")),
         impossible=(Equals(9), Between(7, 20), Between(5, 2), Equals("x"), IsMissing(), Equals("2.5"))),
    Case("words among numbers", text(["N/A" if i % 5 == 0 else ">999" if i % 7 == 0 else round(x) for i, x in
                                      enumerate(NUMBERS)]), "number_tokens",
         possible=((Equals(">999"), lambda v: v == ">999"), (IsMissing(), lambda v: v == "N/A"), NUMBER_CONDITIONS[0])),
    Case("infinities", pa.array([np.inf if i % 50 == 0 else np.nan if i % 60 == 1 else x for i, x in
                                 enumerate(NUMBERS)]), "number_tokens", possible=((Equals("inf"), np.isinf),)),
    Case("mixed integers", pa.array(np.round(NUMBERS).astype(int)), "number_mixed", MIXED, NUMBER_CONDITIONS),
    Case("mixed floats with gaps", pa.array(gaps(list(NUMBERS))), "number_mixed", MIXED,
         (*NUMBER_CONDITIONS, (IsMissing(), missing))),
    Case("mixed with a spike", pa.array([0.0 if i % 3 else round(x, 1) for i, x in enumerate(NUMBERS)]),
         "number_mixed", MIXED, (*NUMBER_CONDITIONS[:2], (Equals(0), lambda v: v == 0))),
    Case("decimals", pa.array([round(x, 2) for x in NUMBERS]).cast(pa.decimal128(12, 2), safe=False),
         "number_tokens", possible=NUMBER_CONDITIONS),
    Case("durations", pa.array(np.round(NUMBERS).astype("m8[s]")), "number_tokens"),
    Case("categories", text(["ä b" if i % 3 else "日本" for i in range(ROWS)]), "categories",
         possible=((Equals("日本"), lambda v: v == "日本"),), impossible=(Equals("x"), Between("a", "b"), IsMissing())),
    Case("categories with gaps", text(gaps(["a|b", "c", "?"] * (ROWS // 3))), "categories",
         possible=((OneOf(("c",)), lambda v: v == "c"), (IsMissing(), lambda v: v in (None, "?")))),
    Case("pandas categories", text(WORDS).dictionary_encode(), "categories"),
    Case("truth values", pa.array([bool(i % 3) for i in range(ROWS)]), "categories",
         possible=((Equals(True), lambda v: v), (Equals("false"), lambda v: not v))),
    Case("many categories", text(WORDS), "categories", CodecConfig(max_tokens=20),
         ((OneOf(("w1", "w7")), lambda v: v in ("w1", "w7")),), (Equals("w"),)),
    Case("very many categories", text(gaps(WORDS)), "categories", CodecConfig(max_tokens=5),
         ((OneOf(("w1", "w7")), lambda v: v in ("w1", "w7")), (IsMissing(), missing))),
    Case("moments as text", text([m.isoformat(" ") for m in MOMENTS]), "dates", possible=(
        *DATE_CONDITIONS,
        (Between("2019-08-01 10:30", "2019-08-03T09:15:20"),
         lambda v: "2019-08-01 10:30:00" <= v <= "2019-08-03 09:15:20")),
         impossible=(Between("2031-01-01", None), Equals("monday"), Equals("2019-02-30"), Between("2020", "2019"))),
    Case("zoned timestamps", pa.array([m.replace(tzinfo=dt.UTC) for m in MOMENTS],
                                      pa.timestamp("us", "Europe/Berlin")), "dates", possible=DATE_CONDITIONS),
    Case("milliseconds", pa.array([m.replace(microsecond=i * 1000) for i, m in enumerate(MOMENTS)],
                                  pa.timestamp("ms")), "dates", possible=DATE_CONDITIONS),
    Case("days with gaps", pa.array(gaps([m.date() for m in MOMENTS])), "dates",
         possible=(*DATE_CONDITIONS, (IsMissing(), missing))),
    Case("days with words", text(["n/a" if i % 7 == 0 else m.strftime("%d.%m.%Y") for i, m in enumerate(MOMENTS)]),
         "dates", possible=((IsMissing(), lambda v: v == "n/a"), (Equals("2020-02"), lambda v: v[3:] == "02.2020"))),
    Case("first of the month", pa.array([m.date().replace(day=1) for m in MOMENTS]), "dates",
         possible=DATE_CONDITIONS[1:]),
    Case("many years", pa.array([dt.date(1700 + i % 500, 1 + i % 12, 1 + i % 28) for i in range(ROWS)]), "dates",
         possible=((Between("1801-05", "1802-03-04"), lambda v: dt.date(1801, 5, 1) <= v <= dt.date(1802, 3, 4)),)),
    Case("times of day", text([m.strftime("%H:%M") for m in MOMENTS]), "dates",
         possible=((Between("08:30", "10:15"), lambda v: "08:30" <= v <= "10:15"),), impossible=(Equals("25:00"),)),
    Case("one moment or none", text(gaps(["2020-01-01"] * ROWS)), "dates",
         possible=((IsMissing(), missing), (Equals("2020"), lambda v: v == "2020-01-01"))),
    Case("keys", pa.array(range(5, 5 + ROWS)), "keys", impossible=(Equals(7), IsMissing())),
    Case("identifiers with gaps", text(gaps([f"AB-{i:06}" for i in range(ROWS)])), "templates",
         possible=((IsMissing(), missing),), impossible=(Equals("AB-000001"),)),
    Case("constant", text(["x"] * ROWS), "constant", possible=((Equals("x"), lambda v: v == "x"),),
         impossible=(Equals("y"), IsMissing())),
    Case("all missing", pa.nulls(ROWS, pa.float64()), "constant", possible=((IsMissing(), missing),)),
]  # fmt: skip


def fitted(case: Case) -> ColumnCodec:
    schema = detect_column("x", pa.chunked_array([case.array]))
    array = case.array.dictionary_decode() if pa.types.is_dictionary(case.array.type) else case.array
    return fit_column(array, schema, case.config, np.random.default_rng(0))


def plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def walk(codec: ColumnCodec, constraint: Constraint, rows: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Codes that a model without any knowledge would choose under a constraint."""
    rng = np.random.default_rng(1)
    state = np.zeros(rows, np.int64)
    codes: list[np.ndarray[Any, Any]] = []
    for k, variable in enumerate(codec.variables):
        weights = constraint.weights[k][state]
        if isinstance(variable, Categorical):
            assert weights.shape == (rows, variable.size)
            assert weights.sum(axis=1).min() > 0, "a state without a way on"
            cumulated = np.cumsum(weights, axis=1)
            code = (rng.random((rows, 1)) * cumulated[:, -1:] >= cumulated).sum(axis=1)
            state = constraint.following[k][state, code]
            codes.append(code)
        else:
            low, high = constraint.interval or (-3, 3)
            scores = rng.uniform(max(low, -3), min(high, 3), rows)
            codes.append(np.where(state == 1, np.nan, scores))
    return tuple(codes)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


def test_every_codec_has_a_case() -> None:
    assert {case.codec for case in CASES} == set(CODECS)


def test_batches_are_of_the_variables(case: Case) -> None:
    codec = fitted(case)
    assert codec.kind == case.codec
    codes = codec.encode(plain(case.array))
    assert len(codes) == len(codec.variables)
    for variable, code in zip(codec.variables, codes, strict=True):
        assert code.shape == (ROWS,)
        if isinstance(variable, Categorical):
            assert code.dtype == np.int32
            assert code.min() >= 0
            assert code.max() < variable.size
            assert variable.size > 1
        else:
            assert code.dtype == np.float32


def test_decoding_gives_the_same_type_and_codes(case: Case) -> None:
    codec = fitted(case)
    codes = codec.encode(plain(case.array))
    made = codec.decode(codes, ROWS, Draw(np.random.default_rng(0)))
    assert made.type == case.array.type
    assert len(made) == ROWS
    assert made.null_count == case.array.null_count
    again = codec.encode(plain(made))
    for variable, before, after in zip(codec.variables, codes, again, strict=True):
        if isinstance(variable, Categorical):
            np.testing.assert_array_equal(before, after)
        else:  # a score moves inside its rounding step only
            np.testing.assert_allclose(before, after, atol=0.3)


def test_state_is_plain_and_complete(case: Case) -> None:
    codec = fitted(case)
    arrays, settings = codec.state()
    loaded = type(codec).from_state(codec.schema, arrays, json.loads(json.dumps(settings)))
    assert loaded.variables == codec.variables
    for a, b in zip(loaded.encode(plain(case.array)), codec.encode(plain(case.array)), strict=True):
        np.testing.assert_array_equal(a, b)
    codes = codec.encode(plain(case.array))
    one, two = (c.decode(codes, ROWS, Draw(np.random.default_rng(3))) for c in (codec, loaded))
    assert str(one.to_pylist()) == str(two.to_pylist())  # NaN included


def test_conditions_hold(case: Case) -> None:
    codec = fitted(case)
    for condition, holds in case.possible:
        constraint = codec.constraint(condition)
        codes = walk(codec, constraint, 300) if constraint.variables else ()
        made = codec.decode(codes, 300, Draw(np.random.default_rng(2), condition)).to_pylist()
        wrong = [value for value in made if not holds(value)]
        assert not wrong, (condition, wrong[:3])


def test_impossible_conditions_are_refused(case: Case) -> None:
    codec = fitted(case)
    for condition in case.impossible:
        with pytest.raises(UsageError, match="column 'x'"):
            codec.constraint(condition)


def test_present_excludes_all_that_is_missing(case: Case) -> None:
    codec = fitted(case)
    array = plain(case.array)
    absent = codec.absent(array)
    constraint = codec.present()
    if codec.variables and absent.any():
        assert constraint is not None
        made = codec.decode(walk(codec, constraint, 300), 300, Draw(np.random.default_rng(2)))
        assert not codec.absent(plain(made)).any()
    else:
        assert constraint is None


def test_unknown_codes_become_missing(case: Case) -> None:
    codec = fitted(case)
    if codec.variables and case.codec != "keys":
        codes = tuple(np.full(3, -1) if isinstance(v, Categorical) else np.full(3, np.nan) for v in codec.variables)
        assert codec.decode(codes, 3, Draw(np.random.default_rng(0))).null_count == 3
