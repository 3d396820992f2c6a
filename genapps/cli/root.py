"""The root command: it names domains and commands, and imports one only when it runs."""

from __future__ import annotations

import click

import genapps
from genapps.cli.domains import BUILT_IN, plugins
from genapps.cli.group import Group

COMMANDS = {
    "demo": ("genapps.cli.demo:demo", "The main job on data that ships: rows, a model and a report."),
    "doctor": ("genapps.cli.doctor:doctor", "What is installed, which devices there are, what is missing."),
    "datasets": ("genapps.cli.datasets:datasets", "List, describe or fetch the catalogued data sets."),
    "model": ("genapps.cli.model:model", "Show what a saved model file holds."),
    "config": ("genapps.cli.config:config", "Print a domain's settings as commented TOML."),
    "completion": ("genapps.cli.completion:completion", "Print the completion script of bash, zsh or fish."),
}

EXAMPLES = (
    "genapps demo",
    "genapps tabular synthesize customers.csv -n 10000 -o synthetic.csv --report report.html",
    "genapps tabular augment train.csv --target income -o larger.csv",
    "genapps timeseries detect sensors.csv",
    "genapps logs templates app.log -o templates.csv",
    "genapps model show model.genapps",
)


class Root(Group):
    """The `genapps` command itself: domains first, then what belongs to none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in domains, plugins' domains, then the other commands."""
        return [*BUILT_IN, *plugins(), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command or domain; imported now."""
        if cmd_name in BUILT_IN:
            self.table[cmd_name] = (BUILT_IN[cmd_name].cli, BUILT_IN[cmd_name].help)
        elif cmd_name not in COMMANDS and cmd_name in (outside := plugins()):
            self.table[cmd_name] = (outside[cmd_name][0], f"From {outside[cmd_name][1]}.")
        return super().get_command(ctx, cmd_name)

    def summary(self, ctx: click.Context, name: str) -> str:
        """The one line said about a command; a plugin's names its distribution."""
        if name in BUILT_IN:
            return BUILT_IN[name].help
        return f"From {plugins()[name][1]}." if name not in COMMANDS else COMMANDS[name][1]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One sentence, examples, domains, commands, options."""
        formatter.write_usage("genapps", "DOMAIN TASK INPUT... [OPTIONS]")
        formatter.write_paragraph()
        formatter.write_text(self.help or "")
        with formatter.section("Examples"):
            for example in EXAMPLES:
                formatter.write(f"  {example}\n")
        self.write_section(ctx, formatter, "Domains", [*BUILT_IN, *plugins()])
        self.write_section(ctx, formatter, "Commands", list(COMMANDS))
        click.Command.format_options(self, ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(
            "Each domain and task has its own help: genapps tabular --help, genapps tabular fit --help."
        )


@click.group(
    cls=Root,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Learn what real data looks like, then make more of it, or say what does not belong to it.",
)
@click.version_option(genapps.__version__, prog_name="genapps", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks and library warnings.")
def root() -> None:
    """The command's own help is given to the decorator, where the options are."""
