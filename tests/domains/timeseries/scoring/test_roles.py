"""What a channel is told to be, ordinary and odd."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.scoring.roles import role_of, roles_of, switch_values

ROWS = np.arange(400)
NOISE = np.random.default_rng(0).normal(size=400)

CASES = {
    "noise": (NOISE, "continuous"),
    "a quantized sensor": (np.round(3 * NOISE) / 3, "continuous"),
    "a quantized sensor of few whole numbers": (np.clip(np.round(NOISE), -2, 2), "continuous"),
    "a command": ((ROWS // 30) % 2, "binary"),
    "one pulse": (ROWS == 7, "binary"),
    "two voltages": (np.where(ROWS % 9 < 4, 3.3, 5.0), "binary"),
    "three states": (ROWS % 3, "levels"),
    "modes": ((ROWS // 40) % 6, "levels"),
    "dead": (np.full(400, 0.7), "constant"),
    "dead with holes": (np.where(ROWS % 5, 0.7, np.nan), "constant"),
    "one point": (np.where(ROWS == 3, 2.0, np.nan), "constant"),
    "a counter": (ROWS // 3, "counter"),
    "a counter that starts again": (ROWS % 150, "counter"),
    "a stock that runs down": (1000.0 - np.cumsum(np.abs(NOISE)), "counter"),
    "a counter with holes": (np.where(ROWS % 7, ROWS, np.nan), "counter"),
    "a wave": (np.sin(ROWS / 20), "continuous"),
    "a sawtooth is no counter": (ROWS % 10, "continuous"),
    "a drift with noise": (ROWS / 100 + NOISE, "continuous"),
    "nothing": (np.full(400, np.nan), "unknown"),
    "infinite": (np.full(400, np.inf), "unknown"),
    "no rows": (np.empty(0), "unknown"),
    "a step up": (ROWS > 200, "binary"),
    "three steps up": (ROWS // 110, "levels"),
}


@pytest.mark.parametrize("name", CASES)
def test_role(name: str) -> None:
    values, role = CASES[name]
    assert role_of(np.asarray(values, np.float64)) == role


def test_switch_values_are_those_of_a_group() -> None:
    table = np.column_stack([ROWS % 50 < 3, ROWS % 70 < 2, np.zeros(400), np.full(400, 0.7)]).astype(float)
    assert switch_values(table, roles_of(table)).tolist() == [0.0, 1.0]
    assert not len(switch_values(table[:, 1:], roles_of(table[:, 1:])))
