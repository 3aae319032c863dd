"""Write the command reference from what ``--help-all`` says: ``uv run python docs/generate.py``."""

from __future__ import annotations

from pathlib import Path

import click

from dreamcli.cli import COMMANDS, cli, load_command
from dreamcli.cli.sections import explain_all

REFERENCE = Path(__file__).with_name("commands.md")


def reference() -> str:
    """The whole page."""
    parts = ["# Commands\n", "Written by `docs/generate.py` from `--help-all`; do not edit.\n"]
    for name, command in [("", cli), *((name, load_command(name)) for name in COMMANDS)]:
        path = f"dreamcli {name}".strip()
        context = click.Context(command, info_name=path, terminal_width=100, max_content_width=100)
        context.help_option_names = ["-h", "--help"]
        explain_all(context)
        parts.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    REFERENCE.write_text(reference(), "utf-8")
