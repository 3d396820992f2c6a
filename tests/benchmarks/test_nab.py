"""The rules of the Numenta benchmark as its paper and its scorer state them, on files made for it."""

import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "anomaly"


@pytest.fixture
def nab(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = __import__("nab")
    for name in ("nab", "keep", "record", "series"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return module


def test_nothing_is_worth_0_everything_at_once_100_and_a_late_alarm_less(nab: ModuleType) -> None:
    times = np.arange(1000.0)
    files = [nab.Watched(str(k), np.zeros(1000), times, ((300, 399), (700 + k, 799))) for k in range(3)]
    nothing = [np.zeros(1000) for _ in files]
    assert nab.at(files, nothing, 0.5) == 0
    assert nab.result(files, [nab.perfect(file) for file in files])[0] == pytest.approx(100)
    late = [score.copy() for score in nothing]
    late[0][[350, 700]] = late[1][[300, 701]] = late[2][[300, 702]] = 1.0
    worth = 2 / (1 + math.exp(-5 * 50 / 100)) - 1
    most = 2 / (1 + math.exp(-5)) - 1
    assert nab.at(files, late, 0.5) == pytest.approx(100 * (12 - 1 + worth / most) / 12)
    false = [score.copy() for score in nothing]
    false[0][[10, 200, 500]] = 1.0  # in the probation, before any window, and one window's length behind one
    cost = 0.11 * (1 + 1 - 2 / (1 + math.exp(5 * 101 / 99)))
    assert nab.at(files, false, 0.5) == pytest.approx(100 * -cost / 12)


def test_the_committed_figures_keep_what_was_asked(nab: ModuleType) -> None:
    found = json.loads((FOLDER / "results" / "nab.json").read_text("utf-8"))["summary"]
    assert found["watch"] >= 60
    assert found["null"] == 0 and found["perfect"] == 100 and abs(found["windowed Gaussian"] - 39.6) < 0.5
    page = (FOLDER.parents[1] / "docs" / "timeseries.md").read_text("utf-8")
    assert f"| `watch`, the default | {found['watch']:.1f} |" in page
