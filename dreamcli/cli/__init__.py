"""What a person types and sees. Imports torch only inside a command's body, so that --help is instant."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dreamcli.errors import DreamcliError, WrongRequest, unexpected

from . import report
from .boost import boost
from .class_ import class_
from .classify import classify
from .dream import dream
from .features import features
from .filters import filters
from .layers import layers
from .models import models
from .presets import presets
from .replay import replay
from .style import style

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        import dreamcli

        click.echo(f"dreamcli {dreamcli.__version__}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def cli() -> None:
    """Make pictures out of neural networks."""


for command in (dream, class_, boost, style, features, filters, classify, layers, models, presets, replay):
    cli.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's own) and give its exit code.

    0: done; 1: some input failed; 2: the command line is wrong; 130: interrupted.
    """
    verbose = report.is_verbose(arguments)
    try:
        return int(cli.main(arguments, prog_name="dreamcli", standalone_mode=False) or DONE)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return WRONG
    except click.ClickException as error:
        report.click_error(error)
        return error.exit_code
    except WrongRequest as error:
        report.error(str(error), verbose)
        return WRONG
    except DreamcliError as error:
        report.error(str(error), verbose)
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        report.error("interrupted", verbose)
        return INTERRUPTED
    except Exception as error:
        report.error(unexpected(error), verbose)
        return FAILED
