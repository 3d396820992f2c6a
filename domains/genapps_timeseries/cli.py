"""`genapps timeseries`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "detect": ("genapps_timeseries.cli_detect:detect", "What does not belong, with a promised rate and a reason."),
    "fit": ("genapps_timeseries.cli_detect:fit", "Learn what is normal, for detect --model and watch --model."),
    "watch": ("genapps_timeseries.cli_watch:watch", "The same on records as they come in."),
    "synthesize": ("genapps_timeseries.cli_synthesize:synthesize", "New series like the given ones."),
    "inject": ("genapps_timeseries.cli_synthesize:inject", "Put labelled anomalies into a series."),
    "evaluate": ("genapps_timeseries.cli_evaluate:evaluate", "How well labelled anomalies were found."),
    "demo": ("genapps_timeseries.demo:demo", "The main job on the series that ships."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Find out what in a series does not belong to it, while it comes in or afterwards, and make more of it."""
