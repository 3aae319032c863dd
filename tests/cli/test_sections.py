"""The headings of --help."""

from __future__ import annotations

import click
import pytest

from dreamcli.cli import COMMANDS, load_command
from dreamcli.cli.sections import FIRST, SECTIONS, Command, explain_all

ALL = {option.name for name in COMMANDS for option in load_command(name).params}


LISTED = [name for name in COMMANDS if isinstance(load_command(name), Command)]


@pytest.mark.parametrize("name", LISTED)
def test_help_all_explains_every_option_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[tuple[str, str]] = []
    monkeypatch.setattr(click.HelpFormatter, "write_dl", lambda formatter, rows: listed.extend(rows))
    command = load_command(name)
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    explain_all(context)
    command.get_help(context)
    records = [each.get_help_record(context) for each in command.get_params(context)]
    assert sorted(listed) == sorted(record for record in records if record and record[1])  # no argument


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_on_a_screen_and_names_every_option(run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(name, "--help").out
    assert len(text.splitlines()) <= 60
    for option in load_command(name).params:
        if isinstance(option, click.Option):
            assert max(option.opts, key=len) in text
    assert "\n  dreamcli " in text


def test_help_all_says_more(run) -> None:
    assert "Steps at the smallest size" not in run("dream", "--help").out
    outcome = run("dream", "--help-all")
    assert outcome.code == 0
    assert "Steps at the smallest size" in outcome.out


def test_headings_hold_only_options_that_exist() -> None:
    for names in SECTIONS.values():
        assert names <= ALL


def test_what_people_use_first_comes_first(run) -> None:
    text = run("dream", "--help-all").out
    first, schedule, output, machine = (text.index(f"{title}:") for title in (FIRST, "Schedule", "Output", "Machine"))
    layer, strength, steps, overwrite, device = (
        text.index(f"\n  --{name} ") for name in ("layer", "strength", "steps", "overwrite", "device")
    )
    assert first < layer < strength < schedule < steps < output < overwrite < machine < device
