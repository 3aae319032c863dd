"""``--help`` under headings: what people use first, then the rest by subject."""

from __future__ import annotations

from collections.abc import Mapping

import click

FIRST = "Options"
SECTIONS: Mapping[str, frozenset[str]] = {
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


class Command(click.Command):
    """A command whose options are listed under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {each.name: record for each in self.get_params(ctx) if (record := each.get_help_record(ctx))}
        sections = {title: names & records.keys() for title, names in SECTIONS.items()}
        sections = {title: names for title, names in sections.items() if len(names) > 1}
        for title in (FIRST, *sections):
            names = sections.get(title, records.keys() - set().union(*sections.values()))
            with formatter.section(title):
                formatter.write_dl([record for name, record in records.items() if name in names])
