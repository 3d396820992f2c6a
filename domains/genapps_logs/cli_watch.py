"""`genapps logs watch`: parse, call the task, end as asked. Nothing heavy is imported before the command runs."""

from __future__ import annotations

import signal
from typing import Any

import click

from genapps.cli.console import note
from genapps.cli.options import Duration, Whole, stream_options
from genapps.cli.stopping import Stop
from genapps.errors import UsageError
from genapps_logs.cli_detect import FILE, FOUND, learning_options, rare_option, rate_option

INTERRUPTED = 130


@click.command()
@click.argument("source", metavar="LOG|-")
@click.option("--follow", is_flag=True, help="Go on at the end of the file and wait for more, through its rotations.")
@click.option("--model", type=FILE, metavar="FILE", help="What `fit` learnt of normal lines, to compare with.")
@click.option("--train", metavar="FILE", help="A normal log to learn instead.")
@click.option(
    "--warm-up",
    type=Whole(100, 1_000_000),
    default=5000,
    metavar="N",
    show_default=True,
    help="Without --model and --train so many first lines are learnt and not judged.",
)
@click.option("--state", metavar="FILE.genapps", help="Save what is known here, and go on from it after any end.")
@click.option("--accept", multiple=True, metavar="ID", help="This finding is normal, and not told. Repeatable.")
@rate_option
@rare_option
@learning_options
@click.option("--max-events", type=Whole(1, 10_000), default=100, show_default=True, metavar="N", help="Told an hour.")
@click.option("--save-every", type=Duration(), default="10s", show_default=True, help="How often the state is saved.")
@click.option("--fail-on-anomaly", is_flag=True, help="Exit with code 10 if anything is found.")
@stream_options
def watch(source: str, output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Judge lines as they come in: one JSON line for each state of a finding (open, update, close).

    Every line is judged by those before it alone. With --state a killed watch goes on where it was, in a rotated file,
    too, and tells nothing twice.

    \b
    Examples:
      tail -F app.log | genapps logs watch - --model app.genapps
      genapps logs watch other.log --model app.genapps -o events.jsonl
      genapps logs watch app.log --follow --state watch.genapps -o events.jsonl
    """
    del as_json  # the output is JSON anyway
    rate = options["rate"]
    if rate is not None and not 0 < rate <= 0.5:
        raise UsageError(f"--false-alarm-rate {rate:g}: give a number above 0, at most 0.5")
    if source == "-" and options["follow"]:
        raise UsageError("--follow is for a file; standard input is read until it ends")
    if source == "-" and options["train"] == "-":
        raise UsageError("only one of the two logs can come from standard input; name a file for the other one")
    from genapps.io.atomic import check_apart
    from genapps_logs.learning import Asked
    from genapps_logs.watching import Running
    from genapps_logs.watching import watch as run

    check_apart((output, options["state"]), (source, options["train"], options["model"]))
    asked = Asked(*(options[name] for name in ("format", "session", "group_by", "window", "family")))
    running = Running(
        options["follow"], rate, options["rare"], options["warm_up"], options["max_events"], options["save_every"]
    )
    with Stop() as stop:
        made = run(
            source,
            output=output or "-",
            model=options["model"],
            train=options["train"],
            state=options["state"],
            accept=frozenset(options["accept"]),
            asked=asked,
            running=running,
            say=note,
            stop=stop,
        )
    if stop.signal == signal.SIGINT:
        raise click.exceptions.Exit(INTERRUPTED)
    if fail_on_anomaly and made.findings:
        raise click.exceptions.Exit(FOUND)
