"""`genapps tabular`: parse, call a task, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import print_json
from genapps.cli.group import Group
from genapps.cli.options import Whole, output_options, seed_option, training_options
from genapps.errors import UsageError
from genapps_tabular.runs import (
    STDOUT,
    Bars,
    Training,
    check_model,
    check_outputs,
    check_report,
    keep_apart,
    model_to,
    note_places,
    places_json,
    print_plan,
    rows_to,
    tell,
    write_text,
)

Decorator = Callable[[Any], Any]
FILE = click.Path(path_type=Path)
ROWS = Whole(1, 10**12)

schema_option = click.option(
    "--schema",
    "schema_file",
    type=FILE,
    metavar="FILE",
    help="What the columns are, as `genapps tabular schema` writes it, or SDV metadata.",
)
encoding_option = click.option("--encoding", metavar="NAME", help="Text encoding of the input; UTF-8 if not given.")
given_option = click.option(
    "--given",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only rows with this value, one of several (a|b), or in this range (30..40); may be repeated.",
)
workers_option = click.option(
    "--workers", type=Whole(1, 1024), metavar="N", default=1, show_default=True, help="Processes; same bytes for any N."
)
spreadsheet_option = click.option(
    "--spreadsheet-safe", is_flag=True, help="Quote text that a spreadsheet would run as a formula."
)
target_option = click.option("--target", metavar="COLUMN", help="Column whose prediction measures usefulness.")
report_option = click.option(
    "--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


ELSEWHERE = {
    "detect": ("genapps_tabular.cli_detect:detect", "Find rows that do not belong, and say why each does not."),
    "cluster": ("genapps_tabular.cli_cluster:cluster", "Find groups of rows that are alike, and what sets each apart."),
    "embed": ("genapps_tabular.cli_embed:embed", "Turn rows into a few numbers each: features for other tools."),
    "demo": ("genapps_tabular.demo:demo", "The main job on the table that ships."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Learn a table, then make more rows like its own, fill its gaps, or judge synthetic rows.

    \b
    Examples:
      genapps tabular synthesize customers.csv -n 10000 -o synthetic.csv --report report.html
      genapps tabular fit customers.csv -o customers.genapps
      genapps tabular sample customers.genapps -n 1000 -o more.csv
    """


@cli.command()
@click.argument("data", metavar="DATA")
@schema_option
@encoding_option
@training_options()
@output_options
@dry_run_option
def fit(data: str, output: str | None, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Learn a table and save the model to one file.

    A killed run leaves its training in OUTPUT.checkpoint; the same command with --resume goes on from there.

    \b
    Examples:
      genapps tabular fit customers.csv -o customers.genapps
      genapps tabular fit customers.csv -o customers.genapps --family gmm --seed 7
    """
    training, output = Training.take(options), model_to(output, data)
    config, schema = training.config(), options["schema_file"]
    if dry_run:
        print_plan(data, config, schema, options["encoding"], as_json, {"model": output})
        return
    from genapps_tabular import tasks
    from genapps_tabular.summary import learnt_line

    with training.checkpoint(output) as checkpoint, Bars() as bars:
        model = tasks.fit(
            data,
            config=config,
            schema=schema,
            encoding=options["encoding"],
            progress=bars,
            checkpoint=checkpoint,
            resume=training.resume,
        )
        model.save(output)
    places = {"model": output, "settings": training.write_config(config, output)}
    tell(as_json, places, {"family": model.family, "provenance": model.provenance}, [learnt_line(model)])


@cli.command()
@click.argument("model", metavar="MODEL", type=FILE)
@click.option("-n", "rows", type=ROWS, required=True, metavar="ROWS", help="How many rows: 1000, 50_000_000.")
@given_option
@seed_option
@workers_option
@spreadsheet_option
@output_options
def sample(model: Path, rows: int, output: str | None, as_json: bool, seed: int, **options: Any) -> None:
    """Make rows from a saved model, streamed in bounded memory.

    \b
    Examples:
      genapps tabular sample customers.genapps -n 1000 -o more.csv
      genapps tabular sample customers.genapps -n 500 --given age=30..40 --given 'state=NY|NJ' -o some.csv
      genapps tabular sample customers.genapps -n 50_000_000 --workers 4 -o many.parquet
    """
    output = rows_to(output, as_json, model, options["spreadsheet_safe"])
    import time

    from genapps_tabular import tasks
    from genapps_tabular.model import TableModel
    from genapps_tabular.summary import sample_line

    started, learnt = time.perf_counter(), TableModel.load(model)
    with Bars() as bars:
        tasks.sample(
            learnt,
            rows,
            given=options["given"],
            seed=seed,
            output=output,
            workers=options["workers"],
            spreadsheet_safe=options["spreadsheet_safe"],
            progress=bars,
        )
    seconds = time.perf_counter() - started
    figures = {"written": rows, "seed": seed, "seconds": round(seconds, 3), "measures": learnt.measures}
    lines = [] if output == STDOUT else [sample_line(learnt, rows, seconds)]  # a pipe's reader may have left early
    tell(as_json, {"rows": output}, figures, lines, rows)


@cli.command()
@click.argument("data", metavar="DATA")
@click.option("-n", "rows", type=ROWS, metavar="ROWS", help="How many rows; as many as the input has if not given.")
@given_option
@report_option
@click.option("--model", type=FILE, metavar="FILE", help="Save the model, too.")
@target_option
@schema_option
@encoding_option
@workers_option
@spreadsheet_option
@training_options()
@output_options
@dry_run_option
def synthesize(data: str, rows: int | None, output: str | None, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Learn a table, make rows like its own, and judge them on rows that the model never saw.

    One fifth of the rows (at most 10,000) is kept unseen to judge on. A killed run leaves its training in
    OUTPUT.checkpoint; the same command with --resume goes on from there.

    \b
    Examples:
      genapps tabular synthesize customers.csv -n 10000 -o synthetic.csv --report report.html
      genapps tabular synthesize customers.csv -n 100 --given income='>50K' --given age=30..40
      genapps tabular synthesize customers.csv --family auto --budget 5m -o synthetic.parquet
    """
    training, output = Training.take(options), rows_to(output, as_json, data, options["spreadsheet_safe"])
    config, schema = training.config(), options["schema_file"]
    check_report(options["report"], data, schema)
    check_model(options["model"])
    keep_apart(data, output, options["model"], options["report"])
    if dry_run:
        places = {"rows": output, "model": options["model"], "report": options["report"]}
        print_plan(data, config, schema, options["encoding"], as_json, places, rows)
        return
    from genapps_tabular import tasks
    from genapps_tabular.summary import evaluation_lines, synthesis_json, trial_lines

    with training.checkpoint(output) as checkpoint, Bars() as bars:
        made = tasks.synthesize(
            data,
            rows,
            output=output,
            report=options["report"],
            model=options["model"],
            config=config,
            schema=schema,
            encoding=options["encoding"],
            given=options["given"],
            target=options["target"],
            workers=options["workers"],
            spreadsheet_safe=options["spreadsheet_safe"],
            progress=bars,
            checkpoint=checkpoint,
            resume=training.resume,
        )
    places = {
        "rows": output,
        "model": options["model"],
        "report": options["report"],
        "settings": training.write_config(config, output),
    }
    lines = (*trial_lines(made.trials), *made.notes, *evaluation_lines(made.evaluation))
    tell(as_json, places, synthesis_json(made), lines, made.written)


@cli.command()
@click.argument("train", metavar="TRAIN")
@click.option("--target", required=True, metavar="COLUMN", help="The column that a model will learn to predict.")
@click.option("--balance", is_flag=True, help="Give rare classes of the target more rows, up to the most frequent one.")
@click.option("-n", "rows", type=ROWS, metavar="ROWS", help="How many synthetic rows to add; as many as are needed.")
@click.option(
    "--splits", type=Whole(1, 50), metavar="N", default=3, show_default=True, help="Splits to measure the gain on."
)
@click.option("--marker", metavar="NAME", help="Add a column that tells synthetic rows (true) from real ones (false).")
@schema_option
@encoding_option
@spreadsheet_option
@training_options()
@output_options
@dry_run_option
def augment(train: str, output: str | None, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Make a larger training set for one target column, and measure what it gains on rows held back.

    Trees learn the target from the real rows, from real and repeated rows, and from real and synthetic rows; the result
    says when synthetic rows did not help. A killed run leaves its training in OUTPUT.checkpoint and
    OUTPUT.splitK.checkpoint; the same command with --resume goes on from there.

    \b
    Examples:
      genapps tabular augment train.csv --target income -o larger.csv
      genapps tabular augment train.csv --target income --balance --marker synthetic -o larger.csv
    """
    training, output = Training.take(options), rows_to(output, as_json, train, options["spreadsheet_safe"])
    config, schema = training.config(), options["schema_file"]
    if dry_run:
        print_plan(train, config, schema, options["encoding"], as_json, {"rows": output}, options["rows"])
        return
    from genapps_tabular.augmentation import augment as run
    from genapps_tabular.summary import augmentation_json, augmentation_lines, trial_lines

    with training.checkpoint(output) as checkpoint, Bars() as bars:
        larger = run(
            train,
            options["target"],
            n=options["rows"],
            balance=options["balance"],
            splits=options["splits"],
            marker=options["marker"],
            output=output,
            config=config,
            schema=schema,
            encoding=options["encoding"],
            spreadsheet_safe=options["spreadsheet_safe"],
            progress=bars,
            checkpoint=checkpoint,
            resume=training.resume,
        )
    places = {"rows": output, "settings": training.write_config(config, output)}
    lines = (*trial_lines(larger.trials), *augmentation_lines(larger))
    tell(as_json, places, augmentation_json(larger), lines, larger.written)


@cli.command()
@click.argument("data", metavar="DATA")
@click.option("--model", type=FILE, metavar="FILE", help="A saved model; without one, DATA itself is learnt.")
@schema_option
@encoding_option
@training_options()
@output_options
def impute(data: str, output: str | None, as_json: bool, model: Path | None, **options: Any) -> None:
    """Fill the gaps of a table by draws given what is known of each row; every other cell stays as it is.

    A killed run leaves its training in OUTPUT.checkpoint; the same command with --resume goes on from there.

    \b
    Examples:
      genapps tabular impute customers.csv -o complete.csv
      genapps tabular impute new.csv --model customers.genapps -o complete.csv
    """
    if model is not None and (options["family"] or options["budget"] or options["resume"]):
        raise UsageError("--model brings a model that has learnt; leave out --family, --budget and --resume")
    training, output = Training.take(options), rows_to(output, as_json, data)
    config, schema = training.config(), options["schema_file"]
    from genapps_tabular import tasks
    from genapps_tabular.summary import imputation_lines

    with training.checkpoint(output) as checkpoint, Bars() as bars:
        done = tasks.impute(
            data,
            model=model,
            output=output,
            config=config,
            schema=schema,
            encoding=options["encoding"],
            progress=bars,
            checkpoint=checkpoint,
            resume=training.resume,
        )
    places = {"rows": output, "settings": training.write_config(config, output)}
    tell(as_json, places, {"filled": done.filled, "left": done.left}, imputation_lines(done))


@cli.command()
@click.argument("real", metavar="REAL")
@click.argument("synthetic", metavar="SYNTHETIC")
@click.option("--holdout", metavar="FILE", help="Real rows that were never shown to what made the synthetic ones.")
@target_option
@report_option
@schema_option
@encoding_option
@seed_option
@output_options
def evaluate(real: str, synthetic: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Judge synthetic rows from any source: how faithful, how useful, how private.

    \b
    Examples:
      genapps tabular evaluate real.csv synthetic.csv --holdout unseen.csv --report report.html
      genapps tabular evaluate real.csv synthetic.csv --target income -o figures.json
    """
    schema, report = options["schema_file"], options["report"]
    check_outputs(output)
    check_report(report, real, synthetic, options["holdout"], schema)
    keep_apart(real, output, report)
    keep_apart(synthetic, output)
    from genapps_tabular import tasks
    from genapps_tabular.report import to_json as figures
    from genapps_tabular.summary import evaluation_lines

    evaluation = tasks.evaluate(
        real,
        synthetic,
        holdout=options["holdout"],
        target=options["target"],
        schema=schema,
        seed=options["seed"],
        encoding=options["encoding"],
        report=report,
    )
    places = {"report": report, "figures": output}
    if output is not None:
        write_text(output, figures(evaluation, f"{synthetic} beside {real}"))
    if as_json:
        print_json({**places_json(places), **evaluation.to_json()})
        return
    if output != STDOUT:
        for line in evaluation_lines(evaluation, every=True):
            click.echo(line)
    note_places(places)


@cli.command()
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", metavar="FILE", default=STDOUT, help="Where to write; stdout if not given.")
@click.option("--sdv", is_flag=True, help="Write metadata as SDV reads it.")
@encoding_option
def schema(data: str, output: str, sdv: bool, encoding: str | None) -> None:
    """Write what the columns of a table are taken for, to be edited and given back with --schema.

    \b
    Examples:
      genapps tabular schema customers.csv -o schema.json
      genapps tabular schema customers.csv --sdv -o metadata.json
    """
    check_outputs(output)
    import json

    from genapps_tabular.checks import read
    from genapps_tabular.schema import detect, empty_columns
    from genapps_tabular.summary import empty_lines

    table = read(data, encoding)[0]
    found = detect(table)
    text = json.dumps(found.to_sdv_metadata() if sdv else found.to_json(), ensure_ascii=False, indent=2) + "\n"
    write_text(output, text)
    tell(False, {"schema": output}, {}, empty_lines(empty_columns(table)))
