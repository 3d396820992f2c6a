"""A Click group that lists its commands without importing them and suggests the one that was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.domains import load
from genapps.errors import GenappsError
from genapps.suggest import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Group(click.Group):
    """A group that suggests the command that was meant, and whose lines in help come from a table of (target, help).

    Commands in `table` are imported when they are called; the others are added as to any group.
    """

    def __init__(self, *, table: Mapping[str, tuple[str, str]] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.table = dict(table or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names in the order they were given, those of the table last."""
        return [*(name for name in self.commands if name not in self.table), *self.table]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; a name of the table is imported now.

        Raises GenappsError when it cannot be.
        """
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        command = load(self.table[cmd_name][0])
        if not isinstance(command, click.Command):
            raise GenappsError(f"{self.table[cmd_name][0]} is no Click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the name that was probably meant."""
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and name not in self.list_commands(ctx):
            ctx.fail(f"No such command {name!r}.{did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines of help without importing what they are about."""
        self.write_section(ctx, formatter, "Commands", self.list_commands(ctx))

    def write_section(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: Sequence[str]
    ) -> None:
        """One titled list of commands."""
        rows = [(name, self.summary(ctx, name)) for name in names]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)

    def summary(self, ctx: click.Context, name: str) -> str:
        """The one line said about a command."""
        if name in self.table:
            return self.table[name][1]
        command = super().get_command(ctx, name)
        return command.get_short_help_str(limit=100) if command else ""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the table, importing none."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self.summary(ctx, name)) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)
