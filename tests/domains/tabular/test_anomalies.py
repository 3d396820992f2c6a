"""Rows that do not belong: found, at the rate that is promised, with the reason that made them so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError, UsageError
from genapps_tabular import AnomalyModel, detect
from genapps_tabular.anomalies import Detection
from genapps_tabular.anomaly_codes import Bins
from genapps_tabular.anomaly_config import asked
from genapps_tabular.anomaly_model import combined


def people(rows: int = 400, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, 3, rows)
    return pa.table(
        {
            "id": [f"p{k:04d}-{draw.integers(2**40):x}" for k in range(rows)],
            "age": pa.array(np.round(20 + 20 * kind + draw.normal(0, 3, rows), 1), mask=draw.random(rows) < 0.05),
            "spent": np.round(draw.lognormal(3 + kind, 0.3), 2),
            "city": np.array(["Paris", "Rom", "Wien"])[kind],
            "late": np.where(draw.random(rows) < 0.2, "yes", "no"),
        }
    )


def spoiled(seed: int = 1) -> pa.Table:
    """Row 5 has an absurd number, row 10 an unknown city, row 15 a city that its other columns contradict."""
    columns = people(200, seed).to_pydict()
    columns["spent"][5] = 99_999.0
    columns["city"][10] = "Atlantis"
    columns["age"][15], columns["spent"][15], columns["city"][15] = 20.0, 20.0, "Wien"
    return pa.table(columns)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Detection, Path]:
    """The spoiled rows judged by normal ones, and the file that keeps what was learnt of these."""
    saved = tmp_path_factory.mktemp("normal") / "n.genapps"
    return detect(spoiled(), train=people(), save=saved), saved


def test_strange_rows_are_found_and_say_why(judged: tuple[Detection, Path]) -> None:
    made, _ = judged
    found = {anomaly.row: anomaly for anomaly in made.anomalies}
    assert {6, 11, 16} <= set(found)
    assert found[6].reasons[0].column == "spent" and found[6].reasons[0].value == "99999"
    assert found[11].words == "city Atlantis: never seen before"
    assert found[16].reasons[0].column == "city" and found[16].reasons[0].expected.startswith("Paris")
    assert made.rows.column_names[-4:] == list(made.columns)
    assert made.rows["is_anomaly"].to_pylist().count(True) == made.alarms == len(made.anomalies)
    assert [row for row, reason in enumerate(made.rows["anomaly_reason"].to_pylist(), 1) if reason] == sorted(found)


def test_what_is_expected_lies_within_what_was_seen() -> None:
    """A mixture's line through age and income would have a person of 400 years earn the most."""
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 80, 500).round()
    income = age * 1000 + rng.normal(0, 3000, 500)
    clean = pa.table({"age": age, "income": income})
    strange = pa.table({"age": [60.0, 20.0], "income": [900_000.0, 79_000.0]})
    found = detect(strange, train=clean).anomalies
    said = {(one.row, reason.column): reason.expected for one in found for reason in one.reasons}
    assert said[1, "age"] == "its other columns are far from anything learnt"
    low, high = (float(word) for word in said[2, "age"].removesuffix(" expected").split(" to "))
    assert 18 <= low < high <= 80


def test_a_row_alone_has_the_reasons_it_has_among_others(judged: tuple[Detection, Path]) -> None:
    made, saved = judged
    found = {anomaly.row: anomaly for anomaly in made.anomalies}
    (alone,) = detect(spoiled().slice(15, 1), model=saved).anomalies
    assert [reason.column for reason in alone.reasons] == [reason.column for reason in found[16].reasons]


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_alarms_on_normal_rows_keep_the_rate(rate: float) -> None:
    alarms = [detect(people(500, seed), train=people(800, 99), false_alarm_rate=rate).alarms / 500 for seed in (1, 2)]
    assert rate / 2.5 < np.mean(alarms) < rate * 2.5


def test_too_few_clean_rows_promise_nothing() -> None:
    made = detect(spoiled(), train=people(50), false_alarm_rate=0.001)
    assert made.alarms == 0 and not made.promise.kept
    assert "cannot promise" in made.promise.words and "needs 999" in made.promise.words


def test_rows_that_differ_as_a_whole_are_said_to(judged: tuple[Detection, Path]) -> None:
    later = people(200, 3).set_column(1, "age", pa.array(np.full(200, 95.0)))
    made = detect(later, model=judged[0].model)
    assert made.alarms > 100
    assert any("differ from the clean rows as a whole, most often in 'age'" in note for note in made.notes)
    assert not any("as a whole" in note for note in detect(people(200, 4), model=judged[0].model).notes)


def test_without_clean_rows_the_strangest_have_the_alarms() -> None:
    made = detect(spoiled(), false_alarm_rate=0.02)
    assert made.alarms == 4
    assert 6 in {anomaly.row for anomaly in made.anomalies}
    assert "no clean rows were given" in made.promise.words


@pytest.mark.parametrize("family", ["ensemble", "gmm", "rbm", "autoregressive"])
def test_a_saved_reference_judges_alike(family: str, tmp_path: Path, judged: tuple[Detection, Path]) -> None:
    made, saved = judged
    if family != "ensemble":
        saved = tmp_path / "n.genapps"
        settings = {"rbm": {"n_components": 8}, "training": {"max_steps": 50}}
        made = detect(spoiled(), train=people(), family=family, save=saved, settings=settings)
    again = detect(spoiled(), model=saved)
    assert again.scores == pytest.approx(made.scores, rel=1e-6, abs=1e-6)
    assert again.p_values == pytest.approx(made.p_values)
    assert AnomalyModel.load(saved).clean
    assert again.promise.held is None  # it was measured at the rate of the first run


def test_any_detector_of_pyod_can_judge(tmp_path: Path) -> None:
    pytest.importorskip("pyod")
    made = detect(spoiled(), train=people(), family="pyod:ECOD", save=tmp_path / "n.genapps")
    assert 11 in {anomaly.row for anomaly in made.anomalies}
    assert detect(spoiled(), model=tmp_path / "n.genapps").scores == pytest.approx(made.scores)
    with pytest.raises(UsageError, match="PyOD has no detector of rows 'Nothing'"):
        detect(spoiled(), family="pyod:Nothing")
    with pytest.raises(UsageError, match=r"did you mean pyod:IForest"):
        detect(spoiled(), family="pyod:iforest")


def test_the_autoregressive_family_judges_and_explains() -> None:
    made = detect(spoiled(), train=people(800), family="autoregressive", settings={"training": {"max_steps": 300}})
    found = {anomaly.row: anomaly for anomaly in made.anomalies}
    assert {6, 11, 16} <= set(found)
    assert found[6].reasons[0].column == "spent"
    assert {reason.column for reason in found[16].reasons} & {"city", "age", "spent"}
    assert made.model.why is made.model.members[0][1]


def test_a_model_goes_on_with_more_normal_rows(tmp_path: Path, judged: tuple[Detection, Path]) -> None:
    older = people(300, 9)
    older = older.set_column(1, "age", pa.array(np.full(300, 90.0)))  # old people, of whom the first rows had none
    assert detect(older, model=judged[1]).alarms > 200
    again = detect(older, model=judged[1], update=older, save=tmp_path / "m.genapps")
    assert again.alarms < 0.05 * 300 and again.promise.rows == 700 and again.promise.held is not None
    assert detect(older, model=tmp_path / "m.genapps").scores == pytest.approx(again.scores, rel=1e-6, abs=1e-6)
    detect(spoiled(), family="gmm", settings={"gmm": {"max_iter": 1}}, save=tmp_path / "u.genapps")
    with pytest.raises(UsageError, match="not known to be normal"):
        detect(older, model=tmp_path / "u.genapps", update=older)
    with pytest.raises(UsageError, match="goes on with a saved model"):
        detect(older, update=older)


def test_the_report_has_the_verdict_the_threshold_and_the_strangest_rows(tmp_path: Path) -> None:
    made = detect(spoiled(), train=people(), report=tmp_path / "why.html")
    page = (tmp_path / "why.html").read_text()
    assert f"{made.alarms} of 200 rows have an alarm" in page and "alarm from" in page
    assert "city Atlantis: never seen before" in page
    assert (tmp_path / "why.json").exists()
    detect(people(200, 4), train=people(60), report=tmp_path / "none.html", false_alarm_rate=0.001)
    assert "Nothing strange" in (tmp_path / "none.html").read_text()


def test_settings_reach_the_families() -> None:
    asked_for = asked(settings=["gmm.n_components=2", "training.epochs=3"])
    assert asked_for == {"gmm": {"n_components": 2}, "training": {"epochs": 3}}
    made = detect(spoiled(), train=people(), family="gmm", settings=asked_for)
    (member,) = [judge for _, judge in made.model.members]
    assert member.model.config.n_components == 2  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="n_component"):
        asked(settings=["gmm.n_component=2"])


def test_the_density_of_a_number_under_its_bins_is_one() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    bins = Bins.fit(values)
    grid = np.linspace(bins.low, bins.high, 200_001)
    share = np.bincount(bins.code(values), minlength=len(bins.middles)) / len(values)
    density = share[bins.code(grid)] * np.exp(-bins.within(grid))
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-2)
    assert bins.within(np.array([bins.high + 2]))[0] > bins.within(np.array([bins.high]))[0] + 5


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown detector 'gnn'"):
        detect(people(), family="gnn")
    with pytest.raises(UsageError, match="between 0 and 1"):
        detect(people(), false_alarm_rate=1.5)
    with pytest.raises(InputError, match="holds 3 rows, and this needs 10"):
        detect(people(), train=people(3))
    with pytest.raises(InputError, match="no column 'age'"):
        detect(people().drop_columns(["age"]), train=people())


def test_no_member_drowns_the_others() -> None:
    raw = np.array([[0.0, 0.0], [1e12, 0.0], [5.0, 5.0]])
    found = combined(raw, np.zeros(2), np.ones(2))
    assert found == pytest.approx([0, np.arcsinh(1e12) / 2, np.arcsinh(5)])
