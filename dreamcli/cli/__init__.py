"""What a person types and sees. Imports torch only inside a command's body, so that --help is instant."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from dreamcli.plugins import FORM_GROUP, form, names, part

from .errors import report_error

__all__ = ["COMMANDS", "cli", "load_command", "report_error"]

# each command: the module and function that hold it, and its help in short
COMMANDS: Mapping[str, tuple[str, str]] = {
    "dream": ("dream:dream", "Dream on photographs (DeepDream)."),
    "class": ("class_:class_", "Draw classes."),
    "boost": ("boost:boost", "Boost layers, channels or neurons."),
    "style": ("style:style", "Repaint photographs in the style of a picture."),
    "invert": ("invert:invert", "Show what a layer remembers of a photograph."),
    "caricature": ("caricature:caricature", "Exaggerate what a layer sees in a photograph."),
    "film": ("film:film", "Film a zoom into a picture while dreaming on it."),
    "features": ("features:features", "Show what layers see in pictures."),
    "explain": ("explain:explain", "Show where a network looks."),
    "filters": ("filters:filters", "Show a network's filters, or apply a classic one."),
    "microscope": ("microscope:microscope", "Write an atlas of a network's channels."),
    "web": ("web:web", "Open a page in the browser."),
    "classify": ("classify:classify", "Say what a network sees in pictures."),
    "layers": ("layers:layers", "List a network's layers."),
    "models": ("models:models", "List the networks."),
    "plugins": ("plugins:list_plugins", "List art forms and networks from other packages."),
    "presets": ("presets:presets", "List the presets."),
    "replay": ("replay:replay", "Make a picture again from its record."),
}


class LazyGroup(click.Group):
    """Imports a command's module only once the command is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return load_command(cmd_name) if cmd_name in COMMANDS or form(cmd_name) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # Click suggests only commands that are imported
            known = [*COMMANDS, *names(FORM_GROUP)]
            raise click.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


def load_command(name: str) -> click.Command:
    """Import a command, one of these or one that another package adds.

    Raises:
        KeyError: there is no such command.
        DreamcliError: the other package's can't be loaded.
    """
    if name not in COMMANDS and (added := form(name)):
        others: click.Command = part(name, added.command)
        return others
    module, _, function = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(import_module(f".{module}", __name__), function)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dreamcli", message="%(prog)s %(version)s", help="Show the version.")
def cli() -> None:
    """Make pictures with neural networks."""
