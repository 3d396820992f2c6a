"""`genapps completion`: the script that lets a shell complete commands, options and files."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      genapps completion bash > ~/.local/share/bash-completion/completions/genapps
      genapps completion zsh > ~/.zfunc/_genapps
      genapps completion fish > ~/.config/fish/completions/genapps.fish
    """
    from click.shell_completion import get_completion_class

    from genapps.cli.root import root

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    script = found(root, {}, "genapps", "_GENAPPS_COMPLETE")
    # source() would ask the installed bash for its version; the script is wanted wherever it is printed.
    click.echo(script.source_template % script.source_vars())
