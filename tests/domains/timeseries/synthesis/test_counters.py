"""A channel that only grows is learnt by its steps, and new rows never go back."""

import json

import numpy as np
import pyarrow.csv as csv
import pytest

from genapps_timeseries.series import series_of
from genapps_timeseries.synthesis.counters import Counters
from genapps_timeseries.synthesis.tasks import Order, synthesize_file

RNG = np.random.default_rng(0)
GROWN = np.cumsum(RNG.poisson(3, 400)).astype(float)


def test_steps_are_summed_up_again():
    series = series_of(np.stack([RNG.normal(size=400), GROWN], axis=1))
    counters = Counters.from_json(json.loads(json.dumps(Counters.of([series]).to_json())))
    assert counters.columns == (1,)
    steps = counters.steps(series).values
    np.testing.assert_array_equal(steps[:, 0], series.values[:, 0])
    np.testing.assert_array_equal(steps[1:, 1], np.diff(GROWN))
    np.testing.assert_array_equal(counters.summed(steps, 0, later=False), series.values)
    assert counters.summed(steps, 0, later=True)[0, 1] == GROWN[-1] + steps[0, 1]


def test_each_series_goes_on_from_its_own_end():
    counters = Counters.of([series_of(GROWN), series_of(GROWN + 5000), series_of(np.full(50, 7.0))])
    ones = np.ones((3, 1))
    assert [counters.summed(ones, k, later=True)[-1, 0] for k in range(3)] == [GROWN[-1] + 3, GROWN[-1] + 5003, 10]


@pytest.mark.parametrize(
    "values",
    [
        np.arange(400.0),  # a line
        -GROWN,
        np.concatenate([GROWN[:200], GROWN[:200]]),  # set back
        RNG.normal(size=400),
        np.repeat([0.0, 1.0], 200),
    ],
)
def test_what_does_not_only_grow_stays_as_it_is(values):
    series = series_of(values)
    counters = Counters.of([series])
    assert not counters.columns
    np.testing.assert_array_equal(counters.steps(series).values, series.values)


def test_new_rows_of_a_counter_never_go_back(tmp_path):
    lines = "\n".join(f"{load:.2f},{int(count)}" for load, count in zip(RNG.normal(size=400), GROWN, strict=True))
    (tmp_path / "in.csv").write_text(f"load,count\n{lines}\n")
    out, model = tmp_path / "out.csv", tmp_path / "m.genapps"
    made = synthesize_file(str(tmp_path / "in.csv"), str(out), Order(rows=300), family="bootstrap", save=model)
    assert any("only grows" in note and note.endswith("count") for note in made.notes)
    count = csv.read_csv(out)["count"].to_numpy()
    assert count.dtype == np.int64
    steps = np.diff(count, prepend=int(GROWN[-1]))
    assert steps.min() >= 0 and steps.max() <= np.diff(GROWN).max()
    assert steps.mean() == pytest.approx(3, abs=0.5)
    synthesize_file(None, str(out), Order(rows=300, start="same"), model=model)
    again = csv.read_csv(out)["count"].to_numpy()
    assert again[0] == GROWN[0] and (np.diff(again) >= 0).all()
