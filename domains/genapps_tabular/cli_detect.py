"""`genapps tabular detect`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from typing import Any

import click

from genapps.cli.console import verbosity
from genapps.cli.options import Whole, output_options, seed_option
from genapps.errors import UsageError
from genapps_tabular.cli import FILE, encoding_option, report_option, schema_option, spreadsheet_option
from genapps_tabular.runs import STDOUT, Bars, check_model, check_report, keep_apart, rows_to, tell

FOUND = 10  # the exit code that --fail-on-anomaly asks for
SHOWN = 10


@click.command()
@click.argument("data", metavar="DATA")
@click.option("--train", metavar="FILE", help="Rows known to be normal; without them the table is its own reference.")
@click.option(
    "--false-alarm-rate",
    "rate",
    type=float,
    default=0.01,
    metavar="SHARE",
    show_default=True,
    help="Share of normal rows that may raise an alarm.",
)
@click.option(
    "--family",
    metavar="NAME",
    help="ensemble (the default), gmm, autoregressive, vae, rbm, gan, or pyod:NAME for any detector of PyOD.",
)
@click.option("--model", type=FILE, metavar="FILE", help="A saved reference that rows are judged by.")
@click.option("--update", metavar="FILE", help="More normal rows that the model of --model goes on with.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save the reference, to judge other rows later.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 where a row has an alarm.")
@report_option
@schema_option
@encoding_option
@spreadsheet_option
@click.option(
    "--threads", type=Whole(0, 4096), default=1, metavar="N", show_default=True, help="CPU threads to use; 0: all."
)
@seed_option
@click.option("--config", "config_file", type=FILE, metavar="FILE", help="Settings of the families as TOML.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@output_options
def detect(data: str, output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Find rows that do not belong, and say why each does not.

    Adds the columns anomaly_score, anomaly_p_value, is_anomaly and anomaly_reason. With --train the p-value is the
    share of normal rows that are as strange, and alarms keep the rate that is asked.

    \b
    Examples:
      genapps tabular detect new.csv --train customers.csv --save usual.genapps -o scored.csv
      genapps tabular detect customers.csv --false-alarm-rate 0.005 -o scored.csv
      genapps tabular detect new.csv --model usual.genapps --fail-on-anomaly --report why.html -o scored.csv
      genapps tabular detect new.csv --model usual.genapps --update may.csv --save june.genapps -o scored.csv
    """
    train, model, save = options["train"], options["model"], options["save"]
    update, report = options["update"], options["report"]
    if model is not None and (train or options["family"] or (save and not update)):
        raise UsageError(
            "--model brings what it was made of; leave out --train, --family and --save (which goes with --update)"
        )
    if update is not None and model is None:
        raise UsageError("--update goes on with a saved model; name it with --model")
    if model is not None and (options["config_file"] or options["settings"]):
        raise UsageError("--model brings its own settings; leave out --config and --set")
    safe = options["spreadsheet_safe"]
    output = rows_to(output, as_json, data, safe)
    check_model(save)
    check_report(report, data, train, update, model, options["schema_file"])
    keep_apart(data, output, save, report)
    for other in (train, model, update):
        if other is not None:
            keep_apart(other, output, save, report)
    from genapps_tabular.anomalies import detect as run
    from genapps_tabular.anomaly_config import asked
    from genapps_tabular.anomaly_model import ENSEMBLE
    from genapps_tabular.summary import detection_lines

    with Bars() as bars:
        made = run(
            data,
            train=train,
            model=model,
            update=update,
            save=save,
            report=report,
            settings=asked(options["config_file"], options["settings"]),
            family=options["family"] or ENSEMBLE,
            false_alarm_rate=options["rate"],
            output=output,
            schema=options["schema_file"],
            encoding=options["encoding"],
            seed=options["seed"],
            cpu_threads=options["threads"],
            spreadsheet_safe=safe,
            progress=bars,
        )
    places = {"rows": output, "model": save, "report": report}
    lines = list(detection_lines(made, SHOWN))
    if as_json or output == STDOUT:
        tell(as_json, places, made.to_json(), [*lines, *made.notes], made.written)
    else:
        for line in lines if verbosity() >= 0 else ():
            click.echo(line)
        tell(False, places, {}, made.notes, made.written)
    if fail_on_anomaly and made.alarms:
        raise click.exceptions.Exit(FOUND)
