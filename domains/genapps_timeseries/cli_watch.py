"""`genapps timeseries watch`: parse, call the task, end as asked. Nothing heavy is imported before the command runs."""

from __future__ import annotations

import signal
from typing import Any

import click

from genapps.cli.console import note
from genapps.cli.options import Duration, Whole, stream_options
from genapps.cli.stopping import Stop
from genapps.errors import UsageError

FOUND = 10  # the exit code that --fail-on-anomaly asks for
INTERRUPTED = 130


@click.command()
@click.argument("source", metavar="FILE|-")
@click.option("--follow", is_flag=True, help="Go on at the end of the file and wait for more, through its rotations.")
@click.option("--state", metavar="FILE.genapps", help="Save what is known here, and go on from it after any end.")
@click.option(
    "--train",
    metavar="FILE",
    help="Records known to be normal, learnt instead of a warm-up; any file that detect reads.",
)
@click.option("--model", metavar="FILE", help="What fit saved: its normal part is learnt instead of a warm-up.")
@click.option(
    "--warm-up",
    type=Whole(50, 1_000_000),
    default=500,
    metavar="N",
    show_default=True,
    help="First records of a series, learnt and not judged.",
)
@click.option(
    "--false-alarm-rate", "rate", type=float, metavar="SHARE", help="Normal records in alarm; 0.001 if not given."
)
@click.option("--alarms-per-week", "per_week", type=float, metavar="N", help="The same as a number of false alarms.")
@click.option("--time", metavar="COLUMN", help="Where the time is; found by itself as a rule.")
@click.option("--channel", "channels", multiple=True, metavar="COLUMN", help="Watch this one alone; may be repeated.")
@click.option("--ignore-column", "ignored", multiple=True, metavar="COLUMN", help="Leave it out; may be repeated.")
@click.option("--group-by", "group", metavar="COLUMN", help="Several series in one input, told apart by this column.")
@click.option("--encoding", metavar="NAME", help="Text encoding of the input; UTF-8 if not given.")
@click.option("--max-series", type=Whole(1, 100_000), default=1000, show_default=True, help="Series at most.")
@click.option("--min-length", type=Whole(1), default=1, show_default=True, metavar="N", help="Records of an event.")
@click.option(
    "--merge", type=Whole(0), default=12, show_default=True, metavar="N", help="Alarms so many records apart are one."
)
@click.option(
    "--direction", type=click.Choice(["up", "down", "both"]), default="both", show_default=True, help="What counts."
)
@click.option("--max-events", type=Whole(1, 10_000), default=12, show_default=True, metavar="N", help="Told an hour.")
@click.option(
    "--family", default="ensemble", show_default=True, metavar="NAME", help="ensemble, or light: ten times as fast."
)
@click.option("--save-every", type=Duration(), default="10s", show_default=True, help="How often the state is saved.")
@click.option("--report-every", type=Duration(), help="Say on stderr how it goes, that often.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 if there was an event.")
@stream_options
def watch(source: str, output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Judge records as they come in: one JSON line for each state of an event (open, update, close).

    Records are lines of CSV with a header, or of JSON. Each is judged by those before it alone. The first ones are
    learnt; give --train where there are normal records already. With --state a killed watch goes on where it was, and
    tells no event twice.

    \b
    Examples:
      tail -F sensor.csv | genapps timeseries watch -
      genapps timeseries watch sensor.csv --follow --state watch.genapps -o events.jsonl
      genapps timeseries watch metrics.jsonl --group-by host --alarms-per-week 1
    """
    del as_json  # the output is JSON anyway
    rate, per_week = options["rate"], options["per_week"]
    if rate is not None and per_week is not None:
        raise UsageError("--false-alarm-rate and --alarms-per-week say the same; give one of them")
    if rate is not None and not 0 < rate <= 0.5:
        raise UsageError(f"--false-alarm-rate {rate:g}: give a number above 0, at most 0.5")
    if options["train"] and options["model"]:
        raise UsageError("--train and --model both say what is normal; give one of them")
    if source == "-" and options["follow"]:
        raise UsageError("--follow is for a file; standard input is read until it ends")
    from genapps.io.atomic import check_apart
    from genapps_timeseries.watching.records import Columns
    from genapps_timeseries.watching.series import Asked
    from genapps_timeseries.watching.watch import Running
    from genapps_timeseries.watching.watch import watch as run

    columns = Columns(*(options[name] for name in ("time", "channels", "ignored", "group", "encoding")))
    check_apart((output, options["state"]), (source, options["train"], options["model"]))
    asked = Asked(
        family=options["family"],
        rate=0.001 if rate is None else rate,
        per_week=per_week,
        warm_up=options["warm_up"],
        min_length=options["min_length"],
        merge=options["merge"],
        direction=options["direction"],
        most=options["max_events"],
    )
    running = Running(
        follow=options["follow"],
        save_every=options["save_every"],
        report_every=options["report_every"],
        max_series=options["max_series"],
    )
    with Stop() as stop:
        made = run(
            source,
            output=output or "-",
            columns=columns,
            asked=asked,
            running=running,
            train=options["train"],
            model=options["model"],
            state=options["state"],
            say=note,
            stop=stop,
        )
    if stop.signal == signal.SIGINT:
        raise click.exceptions.Exit(INTERRUPTED)
    if fail_on_anomaly and made.events:
        raise click.exceptions.Exit(FOUND)
