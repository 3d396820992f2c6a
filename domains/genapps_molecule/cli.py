"""`genapps molecule`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "propose": ("genapps_molecule.cli_propose:propose", "New molecules like drugs, with what is known of each."),
    "fit": ("genapps_molecule.cli_fit:fit", "Learn your own molecules, for propose --model."),
    "score": ("genapps_molecule.cli_score:score", "Properties and alerts of each molecule of a file."),
    "filter": ("genapps_molecule.cli_score:filter_", "Keep the molecules that are in range and have no alerts."),
    "evaluate": ("genapps_molecule.cli_evaluate:evaluate", "MOSES' measures, each beside what real molecules reach."),
    "optimize": ("genapps_molecule.cli_optimize:optimize", "Search for molecules that an objective likes best."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Propose new molecules like drugs, towards properties, scaffolds and leads, and judge any list of them."""
