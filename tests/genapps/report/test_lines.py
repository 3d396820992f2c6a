"""Curves keep their extremes and gaps however many rows they have."""

import re

import numpy as np

from genapps.report.lines import LEFT, STRETCHES, TOP, WIDE, Curve, lines


def points(markup, role):
    path = re.search(rf'<path class="{role}" d="([^"]*)"', markup)[1]
    return [(kind, float(x), float(y)) for kind, x, y in re.findall(r"([ML])([\d.]+) ([\d.]+)", path)]


def test_a_short_curve_is_drawn_point_by_point():
    drawn = points(lines([Curve("real", np.array([0.0, 1.0, 0.5]))], label="x"), "real")
    assert [kind for kind, _, _ in drawn] == ["M", "L", "L"]
    assert (drawn[0][1], drawn[2][1]) == (LEFT, WIDE)
    assert drawn[1][2] == TOP
    assert drawn[0][2] > drawn[2][2] > drawn[1][2]


def test_one_spike_in_many_rows_is_seen():
    values = np.zeros(100_000)
    values[61_234] = 5.0
    drawn = points(lines([Curve("synthetic", values)], label="x"), "synthetic")
    assert len(drawn) <= 2 * STRETCHES
    assert min(y for _, _, y in drawn) == TOP


def test_gaps_are_not_bridged_and_nothing_known_is_no_error():
    values = np.array([1.0, np.nan, 2.0])
    assert [kind for kind, _, _ in points(lines([Curve("real", values)], label="x"), "real")] == ["M", "M"]
    assert "<svg" in lines([Curve("real", np.full(5, np.nan))], label="x")
    assert "&lt;b&gt;" in lines([Curve("real", values)], label="x", ends=("<b>", ""))
