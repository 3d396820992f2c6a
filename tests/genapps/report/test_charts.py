"""Charts are read back as XML and measured: lengths, places and colors against the numbers that went in."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.report import charts
from genapps.report.charts import Mark

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x00"
shares = st.lists(st.floats(0.001, 1), min_size=2, max_size=30).map(lambda xs: [x / sum(xs) for x in xs])


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup))


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def heights(path: str, base: float) -> list[float]:
    """The heights of a histogram's steps, from its path."""
    return [base - float(y) for y in re.findall(r"V([\d.]+)H", path)]


@given(shares, st.data())
def test_a_histogram_draws_areas_in_proportion_to_the_shares(real: list[float], data: st.DataObject) -> None:
    widths = data.draw(st.lists(st.floats(0.5, 2), min_size=len(real), max_size=len(real)))
    edges = [sum(widths[:i]) for i in range(len(real) + 1)]
    root = parsed(charts.histogram_overlay(edges, real, real, ticks=(), label="x"))
    drawn = heights(of_class(root, "real")[0].get("d", ""), 124)
    cut = bool(of_class(root, "break"))
    density = [share / width for share, width in zip(real, widths, strict=True)]
    tallest = max(range(len(real)), key=lambda i: density[i])
    densest = max((i for i in range(len(real)) if not (cut and i == tallest)), key=lambda i: density[i])
    unit = drawn[densest] / density[densest]
    for i, (height, d) in enumerate(zip(drawn, density, strict=True)):
        if not (cut and i == tallest):
            assert height == pytest.approx(unit * d, abs=0.15)
    assert max(drawn) == pytest.approx(108, abs=0.1)


def test_a_bin_that_towers_is_cut_and_says_what_it_holds() -> None:
    root = parsed(charts.histogram_overlay([0, 1, 2, 3], [0.92, 0.05, 0.03], [0.9, 0.06, 0.04], ticks=(), label="x"))
    assert len(of_class(root, "break")) == 1
    assert "92.0\u202f% · 90.0\u202f%" in "".join(root.itertext())
    drawn = heights(of_class(root, "real")[0].get("d", ""), 124)
    assert drawn[1] > 50  # the others are readable
    assert not of_class(
        parsed(charts.histogram_overlay([0, 1, 2], [0.7, 0.3], [0.6, 0.4], ticks=(), label="")), "break"
    )


def test_bars_are_as_long_as_their_shares_and_the_rest_is_added_up() -> None:
    names = [f"c{i}" for i in range(12)]
    real = [0.3, 0.2, 0.1] + [0.4 / 9] * 9
    synthetic = [0.15, 0.3, 0.15] + [0.4 / 9] * 9
    root = parsed(charts.category_bars(names, real, synthetic, label="x", most=7))
    lengths = [float(bar.get("width", "")) for bar in of_class(root, "real")]
    assert len(lengths) == 8
    assert lengths[1] / lengths[0] == pytest.approx(2 / 3, abs=0.01)
    assert lengths[7] / lengths[0] == pytest.approx(5 * (0.4 / 9) / 0.3, abs=0.01)
    assert float(of_class(root, "synthetic")[0].get("width", "")) == pytest.approx(lengths[0] / 2, abs=0.2)
    assert "5 more" in "".join(root.itertext())


def test_one_category_beyond_the_most_is_shown_rather_than_called_one_more() -> None:
    root = parsed(charts.category_bars([f"c{i}" for i in range(8)], [0.125] * 8, [0.125] * 8, label="x", most=7))
    assert "more" not in "".join(root.itertext())


def test_a_heat_map_colors_losses_grey_and_gains_in_the_accent_and_skips_the_diagonal() -> None:
    root = parsed(charts.heat_map(["a", "b"], [[1, 0.5], [-0.2, 1]], tone="change", label="x"))
    gained, lost = of_class(root, "synthetic"), of_class(root, "real")
    assert [(e.get("fill-opacity"), e.get("d", "").count("M")) for e in gained] == [("0.5", 1)]
    assert [(e.get("fill-opacity"), e.get("d", "").count("M")) for e in lost] == [("0.2", 1)]


def test_a_heat_map_leaves_what_is_unknown_empty() -> None:
    root = parsed(charts.heat_map(["a", "b"], [[1, float("nan")], [0.3, 1]], tone="real", label="x"))
    assert sum(e.get("d", "").count("M") for e in of_class(root, "real")) == 1


def place(root: ElementTree.Element, role: str) -> float:
    element = of_class(root, role)[0]
    if element.tag == "rect":
        return float(element.get("x", "")) + 1.5
    if element.tag == "circle":
        return float(element.get("cx", ""))
    return float(element.get("d", "")[1:].split()[0]) + (4 if role == "copied" else 0)


@pytest.mark.parametrize(("better", "values"), [("higher", (0.9, 0.92, 0.5, 0.93)), ("lower", (0.1, 0.0, 0.4, 1.0))])
def test_on_a_scale_the_better_is_to_the_right(better: str, values: tuple[float, ...]) -> None:
    roles = ("synthetic", "ceiling", "floor", "copied")
    marks = [Mark(role, role, value) for role, value in zip(roles, values, strict=True)]
    root = parsed(charts.scale(marks, better=better, label="x"))
    ranked = sorted(marks, key=lambda mark: (mark.value or 0) * (1 if better == "higher" else -1))
    places = [place(root, mark.role) for mark in ranked]
    assert places == sorted(places)
    low, high = charts.extent(values, better)
    share = (places[-1] - places[0]) / 300
    assert share == pytest.approx(abs((ranked[-1].value or 0) - (ranked[0].value or 0)) / (high - low), abs=0.01)


def test_where_a_half_is_ideal_the_far_side_is_to_the_left_and_the_half_is_named() -> None:
    root = parsed(charts.scale([Mark("synthetic", "s", 0.58), Mark("floor", "f", 0.99)], better="half", label="x"))
    assert place(root, "floor") < place(root, "synthetic")
    assert "0.5" in [text.text for text in root.iter("text")]


@given(
    st.lists(st.floats(-1e6, 1e6) | st.floats(0, 1), min_size=1, max_size=4),
    st.sampled_from(["higher", "lower", "half"]),
)
def test_a_scale_holds_every_value_and_is_not_much_larger(values: list[float], better: str) -> None:
    low, high = charts.extent(values, better)
    share = all(0 <= value <= 1 for value in values)
    ideal = {"half": [0.5], "lower": [0.0], "higher": [1.0] if share else []}[better]
    points = [*values, *ideal]
    span = max(points) - min(points)
    assert low <= min(points) + 1e-9 * max(span, 1)
    assert high >= max(points) - 1e-9 * max(span, 1)
    assert low < high
    assert high - low <= (max(1.5 * span, 0.3) if share else 1.5 * (span or max(1, abs(points[0]))))


def test_a_share_gets_a_fifth_of_its_range_so_that_a_small_difference_looks_small() -> None:
    low, high = charts.extent([0.981, 0.988, 0.989], "higher")
    assert (low, high) == pytest.approx((0.8, 1.0))


def test_marks_without_a_figure_are_not_drawn() -> None:
    marks = [Mark("synthetic", "s", None), Mark("ceiling", "c", float("nan")), Mark("floor", "f", 0.2)]
    root = parsed(charts.scale(marks, better="higher", label="x"))
    assert not of_class(root, "synthetic")
    assert not of_class(root, "ceiling")
    assert len(of_class(root, "floor")) == 1


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: charts.category_bars([HOSTILE], [1.0], [1.0], label=HOSTILE),
        lambda: charts.heat_map([HOSTILE], [[1.0]], tone="real", label=HOSTILE),
        lambda: charts.histogram_overlay([0, 1], [1.0], [1.0], ticks=[(0, HOSTILE)], label=HOSTILE),
        lambda: charts.scale([Mark("synthetic", HOSTILE, 0.5)], better="half", label=HOSTILE),
    ],
)
def test_foreign_text_stays_text(drawn: object) -> None:
    markup = str(drawn())  # type: ignore[operator]
    root = parsed(markup)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not list(root.iter("script"))
    assert "<script" not in markup
    assert "\u202e" not in "".join(root.itertext())


@given(st.floats(0, 1), st.floats(0, 1))
def test_charts_of_no_data_at_all_are_still_charts(a: float, b: float) -> None:
    parsed(charts.histogram_overlay([0, 1], [0.0], [0.0], ticks=(), label="x"))
    parsed(charts.category_bars([], [], [], label="x"))
    parsed(charts.heat_map([], [], tone="real", label="x"))
    parsed(charts.scale([], better="higher", label="x"))
    parsed(charts.scale([Mark("synthetic", "s", a), Mark("ceiling", "c", b)], better="half", label="x"))
