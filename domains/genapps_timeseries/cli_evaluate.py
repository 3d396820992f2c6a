"""`genapps timeseries evaluate`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import note, print_json, verbosity
from genapps.cli.options import Whole, json_option, seed_option

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("scores", metavar="SCORES")
@click.option(
    "--labels",
    required=True,
    metavar="FILE|COLUMN",
    help="What is true: a column of SCORES, a file with a label for each row, or a file of windows (start, end).",
)
@click.option("--score-column", metavar="NAME", help="Higher is stranger; score if not given.")
@click.option("--alarm-column", metavar="NAME", help="Alarms: event_id, else is_anomaly, if not given.")
@click.option("--time", metavar="NAME", help="The column of time; time or timestamp if not given.")
@click.option("--window", type=Whole(0, 100_000), metavar="N", help="Buffer of VUS-PR in rows; the series' own period.")
@click.option("--point-adjusted", is_flag=True, help="Also the point-adjusted F1, which is misleading.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page; its figures go beside it as JSON.")
@seed_option
@json_option
def evaluate(scores: str, labels: str, as_json: bool, report: Path | None, **options: Any) -> None:
    """Judge scores and alarms by labels, each figure beside what chance would get.

    VUS-PR and AUC-PR judge scores; event precision, recall, F1, delay and false alarms a week judge alarms. An alarm
    is an event where SCORES has event_id, as detect writes it, else a run of rows in alarm; which, is said.

    \b
    Examples:
      genapps timeseries evaluate scores.csv --labels labels.csv
      genapps timeseries evaluate scores.csv --labels windows.csv --json
      genapps timeseries evaluate scores.csv --labels truth --score-column distance
    """
    from genapps.report.files import check_report
    from genapps_timeseries.evaluation.reading import read_judged
    from genapps_timeseries.evaluation.scores import evaluate as run
    from genapps_timeseries.evaluation.scores import with_notes
    from genapps_timeseries.evaluation.summary import lines, window_of

    check_report(report)
    judged = read_judged(
        scores,
        labels,
        score_column=options["score_column"],
        alarm_column=options["alarm_column"],
        time=options["time"],
    )
    window, why = window_of(options["window"], judged.values)
    made = run(
        judged.labels,
        scores=judged.scores,
        alarms=judged.alarms,
        times=judged.times,
        calendar=judged.calendar,
        kinds=judged.kinds,
        window=window,
        point_adjusted=options["point_adjusted"],
        seed=options["seed"],
    )
    made = with_notes(made, [*why, *judged.notes])
    if report is not None:
        from genapps_timeseries.evaluation.report import write_evaluation

        write_evaluation(made, report, title=Path(scores).name)
    if as_json:
        print_json({**({"report": str(report)} if report else {}), **made.to_json()})
        return
    if verbosity() >= 0:
        for line in lines(made):
            click.echo(line)
    for sentence in made.notes:
        note(f"note: {sentence}")
    if report is not None:
        note(f"report      {report}")
