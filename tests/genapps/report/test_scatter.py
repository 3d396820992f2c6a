"""Maps are read back as XML: areas hold the shares they promise, lie where the rows do, and show no single row."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from genapps.report import charts, scatter


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup))


def polygons(root: ElementTree.Element, name: str) -> list[list[np.ndarray]]:
    """Of each path of a class, its polygons as corners (M, 2)."""
    found = []
    for element in root.iter():
        if element.get("class") == name and element.get("d"):
            parts = [part for part in element.get("d", "").split("M") if part]
            found.append([np.reshape([float(x) for x in re.findall(r"[-\d.]+", part)], (-1, 2)) for part in parts])
    return found


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def blobs(rows: int, apart: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    groups = np.repeat([0, 1], rows)
    return draw.normal(size=(2 * rows, 2)) + np.outer(groups, [apart, 0]), groups


def test_areas_lie_where_their_rows_do_and_the_inner_ones_are_smaller() -> None:
    points, groups = blobs(2000)
    root = parsed(scatter.density_map(points, groups, ["left", "right"], label="two", named=True))
    left, right = polygons(root, "g0"), polygons(root, "g1")
    assert len(left) == len(right) == len(scatter.HOLDS)
    for side, (low, high) in ((left, (0, 320)), (right, (320, 640))):
        sizes = [sum(map(area, level)) for level in side]
        assert sizes[0] > 1.5 * sizes[1] > 2 * sizes[2] > 0
        corners = np.concatenate([np.concatenate(level) for level in side])
        assert low < corners[:, 0].min() < corners[:, 0].max() < high
    assert "".join(root.itertext()) == "leftright"


def test_an_area_holds_its_share_of_a_gaussian(*, tolerance: float = 0.12) -> None:
    """90 % of a round Gaussian lie within 2.146 standard deviations: an ellipse, but for the smoothing."""
    points = np.random.default_rng(1).normal(size=(20_000, 2))
    root = parsed(scatter.density_map(points, np.zeros(20_000, np.int64), ["all"], label="one"))
    span = np.diff(scatter._extent(points), axis=0)[0]
    scale = np.array([scatter.WIDE, scatter.HIGH]) / span
    drawn = sum(map(area, polygons(root, "g0")[0])) / float(scale.prod())
    assert drawn == pytest.approx(np.pi * 2.146**2, rel=tolerance)


def test_few_rows_are_not_drawn() -> None:
    points, groups = blobs(50)
    groups[:4] = 2
    root = parsed(scatter.density_map(points, groups, ["a", "b", "c"], label="x", named=True))
    assert polygons(root, "g2") == []
    assert "c" not in "".join(root.itertext())


def test_a_lone_row_far_off_leaves_no_trace() -> None:
    points, groups = blobs(500)
    groups[0], alone = 0, points.copy()
    alone[0] = [6.0, 30.0]
    here = polygons(parsed(scatter.density_map(alone, groups, ["a", "b"], label="x")), "g0")
    high = scatter._extent(alone)[1]
    assert high[1] < 30
    assert np.concatenate(here[0])[:, 1].min() > 0


@pytest.mark.parametrize("rows", [0, 5, 60])
def test_constant_coordinates_and_empty_tables_do_no_harm(rows: int) -> None:
    picture = scatter.density_map(np.zeros((rows, 2)), np.zeros(rows, np.int64), ["all"], label="x")
    assert "nan" not in str(picture)
    parsed(picture)


def test_foreign_names_stay_text_and_colors_begin_anew() -> None:
    assert scatter.hue(0) == scatter.hue(scatter.HUES)
    words = str(scatter.names_of(["<script>", "b"]))
    assert "<script>" not in words
    assert "&lt;script&gt;" in words
    points, groups = blobs(30)
    parsed(scatter.density_map(points, groups, ["<b>&\u202e", "x"], label="<&", named=True))


def test_a_heat_table_has_a_cell_for_each_figure_that_is_not_zero() -> None:
    root = parsed(scatter.heat_table(["a", "b"], ["1", "2", "3"], [[1.5, 0, -0.75], [0, float("nan"), 9]], label="x"))
    paths = {(e.get("class"), e.get("fill-opacity")): e.get("d", "").count("M") for e in root.iter() if e.get("d")}
    assert paths == {("synthetic", "1"): 2, ("real", "0.8"): 1}


def test_a_curve_falls_where_its_figures_do_and_marks_the_chosen_one() -> None:
    root = parsed(charts.curve([(1, 900.0), (2, 400.0), (3, 450.0)], 2, label="x"))
    dots = [e for e in root.iter() if e.tag.endswith("circle")]
    heights = [float(dot.get("cy", "")) for dot in dots]
    assert heights[1] > heights[2] > heights[0]  # lower figures lie lower, so have the larger y
    assert [dot.get("class") for dot in dots] == ["real", "synthetic", "real"]
    assert "2" in "".join(root.itertext())
    parsed(charts.curve([(4, 1.0)], 4, label="x"))
