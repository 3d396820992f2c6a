"""What `genapps tabular` refuses: one line that names the place and the remedy, the right exit code, no file left."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genapps.errors import UsageError

FAST = ("--family", "gmm")


def write_people(path: Path, rows: int = 60, seed: int = 0) -> Path:
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 80, rows)
    job = draw.choice(["nurse", "cook", "clerk"], rows)
    rich = np.where(draw.random(rows) < age / 100, ">50K", "<=50K")
    lines = [f"{a},{j},{r}" for a, j, r in zip(age, job, rich, strict=True)]
    path.write_text("\n".join(["age,job,income", *lines]) + "\n")
    return path


def assert_refused(done: Any, code: int, *says: str, folder: Path | None = None) -> None:
    """One line on stderr with these words (patterns), nothing on stdout, this exit code, no traceback, no new file."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("genapps: ")
    for words in says:
        assert re.search(words, lines[0]), (words, lines[0])
    if folder is not None:
        left = [
            path.name for path in folder.iterdir() if re.search(r"^(out|model|report)|partial|checkpoint", path.name)
        ]
        assert left == []


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people.csv")


@pytest.fixture
def model(here: Callable[..., Any], people: Path, tmp_path: Path) -> Path:
    assert here("tabular", "fit", people, *FAST, "-o", tmp_path / "fitted.genapps").code == 0
    return tmp_path / "fitted.genapps"


# Tables ---------------------------------------------------------------------------------------------------------------


def test_a_bad_table_is_refused(bad_table: Any, here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("tabular", "synthesize", bad_table.path, "-o", "out.csv", "--report", "report.html", *FAST)
    where = re.escape(str(bad_table.path))
    assert_refused(done, bad_table.exit_code, where, re.escape(bad_table.says), folder=tmp_path)


@pytest.mark.parametrize(
    "task",
    [
        ("fit", "{data}", "-o", "model.genapps"),
        ("synthesize", "{data}", "-o", "out.csv"),
        ("augment", "{data}", "--target", "income", "-o", "out.csv"),
        ("impute", "{data}", "-o", "out.csv"),
        ("evaluate", "{data}", "people.csv"),
        ("evaluate", "people.csv", "{data}"),
        ("evaluate", "people.csv", "people.csv", "--holdout", "{data}"),
        ("schema", "{data}", "-o", "out.json"),
    ],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("name", ["empty", "ragged", "missing"])
def test_every_task_refuses_bad_tables_alike(
    task: tuple[str, ...], name: str, bad: Callable[[str], Any], here: Callable[..., Any], people: Path, tmp_path: Path
) -> None:
    table = bad(name)
    words = [str(table.path) if word == "{data}" else word for word in task]
    assert_refused(here("tabular", *words), table.exit_code, re.escape(table.says), folder=tmp_path)


@pytest.mark.parametrize("task", [("fit", "-o", "model.genapps"), ("synthesize", "-o", "out.csv"), ("impute",)])
def test_one_row_teaches_nothing(
    task: tuple[str, ...], one_row: Path, here: Callable[..., Any], tmp_path: Path
) -> None:
    done = here("tabular", task[0], one_row, *task[1:])
    assert_refused(done, 3, r"one_row\.csv: holds 1 row, and this needs 2 or more; give more rows", folder=tmp_path)


def test_a_table_without_anything_to_learn_is_refused(here: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{k:08d}-aaaa-4bbb-8ccc-{k * 7919:012d},same" for k in range(200)]
    (tmp_path / "ids.csv").write_text("\n".join(["id,always", *rows]) + "\n")
    done = here("tabular", "fit", "ids.csv", "-o", "model.genapps")
    assert_refused(done, 3, r"ids\.csv: no column to learn from", "--schema", folder=tmp_path)


def test_too_few_rows_to_measure_a_gain(here: Callable[..., Any], tmp_path: Path) -> None:
    write_people(tmp_path / "few.csv", rows=20)
    done = here("tabular", "augment", "few.csv", "--target", "income", "-o", "out.csv")
    assert_refused(done, 3, r"few\.csv: holds 20 rows, and this needs 50", folder=tmp_path)


def test_a_wrong_encoding_is_named_and_a_right_one_reads(bad: Callable[[str], Any], here: Callable[..., Any]) -> None:
    path = bad("latin-1").path
    assert_refused(here("tabular", "schema", path, "--encoding", "no-such"), 2, "no-such: no such text encoding")
    assert here("tabular", "schema", path, "--encoding", "latin-1").code == 0


def test_tables_of_other_columns_cannot_be_compared(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("age,job\n1,a\n2,b\n")
    done = here("tabular", "evaluate", people, "other.csv")
    assert_refused(done, 3, r"other\.csv: has no column 'income'")
    done = here("tabular", "evaluate", "other.csv", people)
    assert_refused(done, 3, r"people\.csv: has a column 'income'")


# Options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["0", "-1", "1.5", "ten"])
def test_impossible_numbers_of_rows(
    rows: str, here: Callable[..., Any], model: Path, people: Path, tmp_path: Path
) -> None:
    assert_refused(here("tabular", "sample", model, "-n", rows, "-o", "out.csv"), 2, "-n", folder=tmp_path)
    assert_refused(here("tabular", "synthesize", people, "-n", rows, "-o", "out.csv"), 2, "-n", folder=tmp_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("agee=30", "agee.*'age'"),
        ("age=200..300", "age"),
        ("age=40..30", "age"),
        ("job=pilot", "job"),
        ("age=old", "age"),
        ("age", "age"),
    ],
)
def test_conditions_that_cannot_hold(
    given: str, says: str, here: Callable[..., Any], model: Path, people: Path, tmp_path: Path
) -> None:
    assert_refused(
        here("tabular", "sample", model, "-n", 9, "--given", given, "-o", "out.csv"), 2, says, folder=tmp_path
    )
    done = here("tabular", "synthesize", people, *FAST, "--given", given, "-o", "out.csv")
    assert_refused(done, 2, says, folder=tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--family", "gmmm"), "unknown family 'gmmm'.*gmm"),
        (("--family", "sdv:ctgann"), "ctgann.*ctgan"),
        (("--set", "training.epoch=1"), r"training\.epoch.*training\.epochs"),
        (("--set", "training.epochs=many"), r"training\.epochs.*whole number"),
        (("--set", "holdout=1.5"), "holdout"),
        (("--config", "none.toml"), "none.toml"),
        (("--budget", "soon"), "soon.*90s"),
        (("--seed", "-1"), "seed"),
        (("-n", "99999999999999999999"), "must be at most 1,000,000,000,000"),
        (("--set", "training.epochs=-1"), r"training\.epochs must be at least 1, not -1"),
        (("--set", "training.batch_size=0"), r"training\.batch_size must be at least 1"),
        (("--set", "training.learning_rate=0"), r"training\.learning_rate must be above 0"),
        (("--set", "training.validation_share=1"), r"training\.validation_share .* at least 0 and below 1"),
        (("--set", "autoregressive.dropout=1"), r"autoregressive\.dropout must be at least 0 and below 1, not 1"),
        (("--set", "codec.bins=0"), r"codec\.bins must be at least 1"),
        (("--set", "codec.atom_share=1.5"), r"codec\.atom_share must be at least 0 and at most 1"),
        (("--set", "gmm.trees=0"), r"gmm\.trees must be at least 1"),
        (("--set", "gmm.n_components=0"), r"gmm\.n_components must be at least 1"),
        (("--set", "holdout=-0.1"), "holdout must be at least 0 and below 1"),
        (("--target", "incme"), "incme.*income"),
        (("--workers", "0"), "workers"),
        (("-o", "out.xlsx"), r"out\.xlsx.*\.csv"),
        (("-o", "no/such/out.csv"), "no/such.*mkdir"),
        (("--report", "no/report.html"), "no.*mkdir"),
        (("--json", "-o", "-"), "--json"),
        (("--spreadsheet-safe", "-o", "out.parquet"), "spreadsheet-safe"),
        (("--no-such",), "--no-such"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_options(
    options: tuple[str, ...], says: str, here: Callable[..., Any], people: Path, tmp_path: Path
) -> None:
    words = options if "-o" in options else (*options, "-o", "out.csv")
    assert_refused(here("tabular", "synthesize", people, *words), 2, says, folder=tmp_path)


def test_a_directory_is_no_output(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    done = here("tabular", "synthesize", people, *FAST, "-o", "out.csv")
    assert_refused(done, 2, r"out\.csv: is a directory")
    assert list((tmp_path / "out.csv").iterdir()) == []


def test_sdv_models_are_not_saved(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    done = here("tabular", "fit", people, "--family", "sdv:ctgan", "-o", "model.genapps")
    assert_refused(done, 2, "SDV cannot be saved", folder=tmp_path)
    done = here("tabular", "synthesize", people, "--family", "sdv:ctgan", "--model", "model.genapps", "-o", "out.csv")
    assert_refused(done, 2, "SDV cannot be saved", folder=tmp_path)


def test_a_model_file_has_its_suffix(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    assert_refused(here("tabular", "fit", people, *FAST, "-o", "model.bin"), 2, r"\.genapps", folder=tmp_path)
    done = here("tabular", "synthesize", people, *FAST, "--model", "model.bin", "-o", "out.csv")
    assert_refused(done, 2, r"\.genapps", folder=tmp_path)


def test_targets_that_cannot_be_predicted(here: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{k:08d}-aaaa-4bbb-8ccc-{k * 7919:012d},{k % 7},{k % 2}" for k in range(300)]
    (tmp_path / "visits.csv").write_text("\n".join(["visit,size,flag", *rows]) + "\n")
    done = here("tabular", "augment", "visits.csv", "--target", "visit", "-o", "out.csv")
    assert_refused(done, 2, "'visit' is of kind", folder=tmp_path)


def test_only_classes_can_be_balanced(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    done = here("tabular", "augment", people, "--target", "age", "--balance", "-o", "out.csv")
    assert_refused(done, 2, "'age' is a number, and only classes can be balanced", folder=tmp_path)
    done = here("tabular", "augment", people, "--target", "income", "--marker", "job", "-o", "out.csv")
    assert_refused(done, 2, "'job' already", folder=tmp_path)


# Models and schemas ---------------------------------------------------------------------------------------------------


def test_damaged_models_are_refused(
    damaged_models: Callable[[Path], dict[str, tuple[Path, str]]], here: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    cases = damaged_models(model)
    assert len(cases) >= 5
    for path, says in cases.values():
        for words in (("sample", path, "-n", 5, "-o", "out.csv"), ("impute", "people.csv", "--model", path)):
            assert_refused(here("tabular", *words), 3, re.escape(path.name), says, folder=tmp_path)


def test_a_missing_model_is_wrong_usage(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("tabular", "sample", "none.genapps", "-n", 5, "-o", "out.csv")
    assert_refused(done, 2, r"none\.genapps", folder=tmp_path)


def test_a_table_that_does_not_fit_the_model(here: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("age,job\n1,cook\n2,nurse\n")
    done = here("tabular", "impute", "other.csv", "--model", model, "-o", "out.csv")
    assert_refused(done, 3, "income", folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda text: text.replace('"number"', '"datetime"', 1), 3, "age"),
        (lambda text: text.replace('"number"', '"numbr"', 1), 3, "age.*number"),
        (lambda text: text.replace('"age"', '"years"', 1), 3, "years|age"),
        (lambda text: text[:-30], 3, "schema.json"),
        (lambda text: "[]", 3, "schema.json"),
    ],
    ids=["contradiction", "unknown kind", "unknown column", "cut short", "no schema"],
)
def test_contradictory_schemas(
    change: Callable[[str], str], code: int, says: str, here: Callable[..., Any], people: Path, tmp_path: Path
) -> None:
    assert here("tabular", "schema", people, "-o", "schema.json").code == 0
    schema = tmp_path / "schema.json"
    changed = change(schema.read_text())
    assert changed != schema.read_text()
    schema.write_text(changed)
    done = here("tabular", "synthesize", people, "--schema", "schema.json", *FAST, "-o", "out.csv")
    assert_refused(done, code, says, folder=tmp_path)


def test_a_missing_schema_is_wrong_usage(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    done = here("tabular", "synthesize", people, "--schema", "none.json", "-o", "out.csv")
    assert_refused(done, 2, r"none\.json", folder=tmp_path)


def test_a_traceback_is_shown_only_on_demand(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("--debug", "tabular", "fit", "none.csv", "-o", "model.genapps")
    assert done.code == 2
    assert "Traceback" in done.err


def test_no_result_overwrites_the_input_or_another(
    here: Callable[..., Any], people: Path, model: Path, tmp_path: Path
) -> None:
    kept = people.read_bytes(), model.read_bytes()
    for words in (
        ("synthesize", people, *FAST, "-o", people),
        ("synthesize", people, *FAST, "-o", "out.csv", "--report", "./out.csv"),
        ("augment", people, "--target", "income", *FAST, "-o", "people.csv"),
        ("impute", people, *FAST, "-o", "people.csv"),
    ):
        assert_refused(here("tabular", *words), 2, "would overwrite", folder=tmp_path)
    assert kept == (people.read_bytes(), model.read_bytes())


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ("absent/report.html", "mkdir -p"),
        ("taken", "is a directory"),
        ("taken.html", r"taken\.json: is a directory"),
        ("figures.json", r"name it \.html"),
        ("rows.csv", "would overwrite the input"),
    ],
)
@pytest.mark.parametrize(
    "task",
    [
        ("synthesize", "rows.csv", "-o", "out.csv"),
        ("cluster", "rows.csv", "-o", "out.csv"),
        ("embed", "rows.csv", "-o", "out.csv"),
        ("evaluate", "rows.csv", "others.csv"),
    ],
    ids=lambda words: words[0],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_table_is_read(
    task: tuple[str, ...], report: str, says: str, here: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken.json").mkdir()
    assert_refused(here("tabular", *task, "--report", report), 2, report.partition(".")[0], says, folder=tmp_path)


def test_the_figures_of_a_report_spare_the_schema(here: Callable[..., Any], people: Path, tmp_path: Path) -> None:
    assert here("tabular", "schema", people, "-o", "people.json").code == 0
    kept = (tmp_path / "people.json").read_bytes()
    words = ("cluster", people, "--schema", "people.json", "--report", "people.html", "-o", "out.csv")
    assert_refused(here("tabular", *words), 2, "people.json: would overwrite the input", folder=tmp_path)
    assert kept == (tmp_path / "people.json").read_bytes()


@pytest.mark.parametrize("report", ["absent/r.html", "r.json"])
def test_functions_refuse_such_reports_too(report: str, people: Path, tmp_path: Path) -> None:
    import genapps_tabular

    place = tmp_path / report
    for task in (genapps_tabular.cluster, genapps_tabular.embed, genapps_tabular.synthesize):
        with pytest.raises(UsageError, match=re.escape(str(place))):
            task(tmp_path / "absent.csv", report=place)
    with pytest.raises(UsageError, match=re.escape(str(place))):
        genapps_tabular.evaluate(tmp_path / "absent.csv", people, report=place)


def test_a_model_and_a_training_exclude_each_other(here: Callable[..., Any], people: Path, model: Path) -> None:
    done = here("tabular", "impute", people, "--model", model, "--family", "gmm")
    assert_refused(done, 2, "--model brings a model that has learnt")
