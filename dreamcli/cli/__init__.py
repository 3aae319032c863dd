"""What a person types and sees. Imports torch only inside a command's body, so that --help is instant."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from dreamcli import forms

from .errors import report_error

__all__ = ["COMMANDS", "cli", "load_command", "report_error"]

# the commands that belong to no art form: where they are, and their short help
OTHERS: Mapping[str, tuple[str, str]] = {
    "web": ("web:web", "Open a page in the browser."),
    "classify": ("classify:classify", "Say what a network sees in pictures."),
    "layers": ("layers:layers", "List a network's layers."),
    "models": ("models:models", "List the networks."),
    "plugins": ("plugins:list_plugins", "List art forms and networks from other packages."),
    "presets": ("presets:presets", "List the presets."),
    "replay": ("replay:replay", "Make a picture again from its record."),
}
COMMANDS = (*forms.FORMS, *OTHERS)


class LazyGroup(click.Group):
    """Imports a command's module only once the command is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            return load_command(cmd_name)
        except KeyError:
            return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # Click suggests only commands that are imported
            known = [*OTHERS, *forms.form_names()]
            raise click.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            abouts = {name: form.about for name, form in forms.FORMS.items()}
            formatter.write_dl([*abouts.items(), *((name, about) for name, (_, about) in OTHERS.items())])


def load_command(name: str) -> click.Command:
    """Import a command: an art form's, of dreamcli or of another package, or one of `OTHERS`.

    Raises:
        KeyError: there is no such command.
        DreamcliError: the other package's can't be loaded.
    """
    if name not in OTHERS:
        return forms.command(name)
    module, _, function = OTHERS[name][0].partition(":")
    command: click.Command = getattr(import_module(f".{module}", __name__), function)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dreamcli", message="%(prog)s %(version)s", help="Show the version.")
def cli() -> None:
    """Make pictures with neural networks."""
