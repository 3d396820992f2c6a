"""`genapps tabular embed`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.options import Whole, output_options, training_options
from genapps.errors import UsageError
from genapps_tabular.cli import FILE, dry_run_option, encoding_option, report_option, schema_option
from genapps_tabular.runs import (
    STDOUT,
    Bars,
    Training,
    check_model,
    check_report,
    keep_apart,
    print_plan,
    rows_to,
    tell,
)

if TYPE_CHECKING:
    from genapps_tabular.config import TabularConfig


@click.command()
@click.argument("data", metavar="DATA")
@click.option(
    "--dimensions", type=Whole(1, 4096), metavar="N", help="How many numbers a row; 8 if no setting says otherwise."
)
@click.option("--model", type=FILE, metavar="FILE", help="Features saved before, or a saved vae or rbm model of rows.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save the features, to give other rows the same later.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Put this column before the features; may be repeated.")
@click.option("--color", metavar="COLUMN", help="Column that the report's picture is colored by.")
@click.option("--target", metavar="COLUMN", help="Column kept from the model, to test the features on.")
@report_option
@schema_option
@encoding_option
@training_options(family="Model family: vae (the default) or rbm.")
@output_options
@dry_run_option
def embed(data: str, output: str | None, as_json: bool, dry_run: bool, model: Path | None, **options: Any) -> None:
    """Turn each row into a few numbers that other tools can take, and say what they keep.

    One fifth of the rows is kept from the model for the figures. A killed run leaves its training in
    OUTPUT.checkpoint; the same command with --resume goes on from there.

    \b
    Examples:
      genapps tabular embed customers.csv --dimensions 4 --keep income -o features.csv --report features.html
      genapps tabular embed customers.csv --family rbm --target income --save f.genapps -o features.parquet
      genapps tabular embed new.csv --model f.genapps -o new-features.parquet
    """
    learning = ("family", "budget", "resume", "dimensions", "save")
    if model is not None and any(options[name] for name in learning):
        raise UsageError(
            "--model brings features that were learnt; leave out --family, --dimensions, --budget, --resume, --save"
        )
    family, save = options["family"], options["save"]
    training, output = Training.take(options), rows_to(output, as_json and not dry_run, data)
    config, report = training.config(), options["report"]
    check_report(report, data, model, options["schema_file"])
    check_model(save)
    keep_apart(data, output, save, report)
    if model is not None:
        keep_apart(model, output, report)
    from dataclasses import replace

    from genapps_tabular.embedding import FAMILIES, feature_config
    from genapps_tabular.embedding import embed as run

    if family is None and config.family not in FAMILIES:
        config = replace(config, family=FAMILIES[0])
    dimensions = _dimensions(options["dimensions"], training, config)
    config = feature_config(config, dimensions)
    if dry_run:
        places = {"rows": output, "model": save, "report": report}
        print_plan(data, config, options["schema_file"], options["encoding"], as_json, places)
        return
    from genapps_tabular.summary import embedding_lines

    with training.checkpoint(output) as checkpoint, Bars() as bars:
        made = run(
            data,
            dimensions=dimensions,
            model=model,
            save=save,
            keep=options["keep"],
            color=options["color"],
            target=options["target"],
            output=output,
            report=report,
            config=config,
            schema=options["schema_file"],
            encoding=options["encoding"],
            progress=bars,
            checkpoint=checkpoint,
            resume=training.resume,
        )
    settings = training.write_config(config, output)
    places = {"rows": output, "model": save, "report": report, "settings": settings}
    lines = list(embedding_lines(made))
    if as_json or output == STDOUT:
        tell(as_json, places, made.to_json(), lines, made.written)
        return
    for line in lines:  # rows are elsewhere, so the figures are the result
        click.echo(line)
    tell(False, places, {}, made.notes, made.written)


def _dimensions(asked: int | None, training: Training, config: TabularConfig) -> int | None:
    """How many features --dimensions or the settings ask for; None where neither does.

    Raises UsageError where they contradict each other.
    """
    from genapps_tabular.embedding import size_of

    key, size = size_of(config)
    if not training.names(key):
        return asked
    if asked not in (None, size):
        raise UsageError(f"--dimensions {asked} contradicts the setting {key} = {size}; leave one of them out")
    return size
