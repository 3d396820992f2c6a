from pathlib import Path

import numpy as np
import pytest

from genapps_timeseries.detection.model import SeriesModel
from genapps_timeseries.detection.tasks import Detection, accepting, detect
from genapps_timeseries.detection.wishes import Wishes
from genapps_timeseries.series import Series, series_of

WISHES = Wishes(false_alarm_rate=0.002)


def overlapping() -> Series:
    """A fault of one channel that goes over into one of the other."""
    days = np.sin(2 * np.pi * np.arange(2400) / 48)
    noise = np.random.default_rng(0).normal(0, 0.3, (2400, 2))
    values = np.stack([20 + 3 * days, 60 - 3 * days], 1) + noise
    values[1500:1600, 0] += 6
    values[1550:1650, 1] -= 20
    return series_of(values, ("temp", "load"))


def strange(detection: Detection) -> dict[str, int]:
    """The leading channels of the events where the faults are, and the events' numbers."""
    return {e.channels[0][0]: e.id for e in detection.events if e.last >= 1500 and e.first < 1650}


@pytest.fixture(scope="module")
def found() -> Detection:
    return detect([overlapping()], WISHES)


@pytest.mark.parametrize(("chosen", "other"), [("temp", "load"), ("load", "temp")])
def test_a_fault_of_another_channel_is_told_though_it_lies_on_the_rows_of_an_accepted_one(
    found: Detection, tmp_path: Path, chosen: str, other: str
) -> None:
    assert set(strange(found)) == {"temp", "load"}
    after = accepting(found, {strange(found)[chosen]})
    assert set(strange(after)) == {other}
    SeriesModel(after.normals, WISHES).save(tmp_path / "n.genapps")
    normals = SeriesModel.load(tmp_path / "n.genapps").normals
    assert set(strange(detect([overlapping()], WISHES, normals=normals))) == {other}
    both = detect([overlapping()], WISHES, normals=found.normals)
    assert set(strange(accepting(both, {strange(both)[chosen]}))) == {other}
