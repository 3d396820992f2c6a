"""Numbers as a reader expects them, and foreign text that cannot do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.report.text import THIN, clip, figure, percent, plain, tick, value


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "–"), (float("nan"), "–"), (float("inf"), "–"), (0, "0"), (0.0, "0"), (3, "3"), (0.9205, "0.920"),
        (1.0, "1.000"), (0.0004, "0.0004"), (0.00001, "<0.0001"), (-0.00001, "-0.0000"), (12.34, "12.3"),
        (12345.6, "12,345.6"), (12000.0, "12,000"),
    ],
)  # fmt: skip
def test_figures(given: float | None, shown: str) -> None:
    assert figure(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"), [(None, "–"), (0, "0.0"), (0.057, "5.7"), (0.0001, "<0.1"), (1, "100.0"), (0.99999, "100.0")]
)
def test_percents(given: float | None, shown: str) -> None:
    assert percent(given) == (shown if given is None else f"{shown}{THIN}%")


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, "0"), (37, "37"), (2013, "2013"), (0.25, "0.25"), (12285, "12.3k"), (1_484_705, "1.48M"), (-50_000, "-50k"),
     (0.0001, "1.0e-04"), (1e300, "1e+300"), (float("nan"), "–")],
)  # fmt: skip
def test_ticks(given: float, shown: str) -> None:
    assert tick(given) == shown


@given(st.floats(-1e300, 1e300))
def test_a_tick_is_short_and_near_its_number(number: float) -> None:
    text = tick(number)
    assert len(text) <= 9
    factor = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(text[-1], 1)
    assert float(text.rstrip("kMBT")) * factor == pytest.approx(number, rel=0.051, abs=1e-300)


@given(st.text(), st.integers(1, 50))
def test_clipped_text_is_short_encodable_and_keeps_its_direction(text: str, length: int) -> None:
    shown = clip(text, length)
    assert len(shown) <= length
    shown.encode("utf-8")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b\n")


def test_clip_keeps_other_scripts_and_drops_lone_surrogates() -> None:
    assert clip("年齢 / возраст / العمر 👩\u200d🔬") == "年齢 / возраст / العمر 👩\u200d🔬"
    assert clip("a\ud800b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("key", "given", "shown"),
    [
        ("peak_memory_bytes", 812 * 2**20, f"812{THIN}MiB"), ("peak_mib", 12.2, f"12{THIN}MiB"),
        ("seconds", 41.27, f"41.3{THIN}s"), ("seed", 12345, "12345"), ("rows", 12345, "12,345"), ("x", None, "–"),
        ("versions", {"torch": "2.13", "numpy": "2.3"}, "torch 2.13, numpy 2.3"), ("flag", True, "yes"),
        ("list", [1, "b"], "1, b"),
    ],
)  # fmt: skip
def test_facts_carry_their_unit(key: str, given: object, shown: str) -> None:
    assert value(key, given) == shown


def test_machine_names_become_words() -> None:
    assert plain("sampling_seconds") == "Sampling seconds"
