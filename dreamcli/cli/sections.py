"""``--help`` explains the main options and lists the others by subject; ``--help-all`` explains them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import click

FIRST, OTHERS = "Options", "Other options (see --help-all)"
SECTIONS: Mapping[str, frozenset[str]] = {
    "Picture": frozenset((
        "guide", "like", "minimize", "best_of", "color", "fine", "coarse", "from_noise", "each_style", "colors",
        "style_scale", "seamless", "form", "fps", "rotate", "headings", "raw", "overlay", "at",
    )),
    "Schedule": frozenset(("steps", "octaves", "octave_scale", "jitter")),
    "Fine-tuning": frozenset((
        "parameterization", "turn", "mirror", "zoom", "noise", "crop", "tv", "l2", "prior", "likeness", "blur",
        "diversity", "content", "statistics", "average_pooling", "optimizer", "style_masks", "content_masks",
    )),
    "Output": frozenset((
        "keep_frames", "log", "animate", "show", "overwrite", "dry_run", "as_json", "quiet", "verbose",
    )),
    "Machine": frozenset((
        "watch", "follow_links", "safe_decode", "weights", "judge", "device", "precision", "shard", "cluster",
        "worker_cores",
    )),
}  # fmt: skip
_SPACING = 2  # Click's, between two columns
_ALL = "dreamcli.help-all"  # in a context's notes: whether all options are to be explained


def explain_all(context: click.Context) -> None:
    """Make the help of a command explain all of its options."""
    context.meta[_ALL] = True


def _show_all(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not context.resilient_parsing:
        explain_all(context)
        click.echo(context.get_help(), color=context.color)
        context.exit()


class Command(click.Command):
    """A command whose options are listed under headings, so that --help fits on a screen."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(
            click.Option(
                ["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
                help="Explain all options.",
            )
        )  # fmt: skip

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        shown = {each.name: each for each in options if each.get_help_record(ctx)}
        sections = {title: names & shown.keys() for title, names in SECTIONS.items()}
        sections = {title: names for title, names in sections.items() if len(names) > 1}
        first = shown.keys() - set().union(*sections.values())
        listed = {title: [each for name, each in shown.items() if name in names] for title, names in sections.items()}
        _explain(ctx, formatter, FIRST, [each for name, each in shown.items() if name in first])
        if _ALL in ctx.meta:
            for title, options in listed.items():
                _explain(ctx, formatter, title, options)
        elif listed:
            with formatter.section(OTHERS):
                width = formatter.width - formatter.current_indent - max(map(len, listed)) - _SPACING
                formatter.write_dl([row for title, options in listed.items() for row in _rows(title, options, width)])


def _explain(
    context: click.Context, formatter: click.HelpFormatter, title: str, options: Sequence[click.Parameter]
) -> None:
    with formatter.section(title):
        formatter.write_dl([record for each in options if (record := each.get_help_record(context))])


def _rows(title: str, options: Sequence[click.Parameter], width: int) -> list[tuple[str, str]]:
    """The names of options, a line each; Click would break them at their hyphens."""
    names = ", ".join(max(each.opts, key=len) for each in options)
    lines = wrap(names, width, break_on_hyphens=False)
    return [(title if number == 0 else "", line) for number, line in enumerate(lines)]
