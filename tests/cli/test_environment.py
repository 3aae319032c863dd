"""Environment variables for shared options. A preset overrides them, and typed options override both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dreamcli.cli import COMMANDS, load_command
from dreamcli.files.record import read_record
from tests.conftest import QUICK

SHARED = ("MODEL", "JUDGE", "DEVICE", "PRECISION", "SHOW")
VARIABLES = {f"DREAMCLI_{name}" for name in (*SHARED, "PASSWORD")}


def test_the_same_option_has_the_same_variable_everywhere() -> None:
    found = {
        (parameter.name, parameter.envvar)
        for command in map(load_command, COMMANDS)
        for parameter in command.params
        if parameter.envvar
    }
    assert {variable for _, variable in found} == VARIABLES
    assert len(found) == len(VARIABLES)


def test_a_variable_counts_unless_the_option_is_typed(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMCLI_MODEL", "lenet5")
    monkeypatch.setenv("DREAMCLI_PRECISION", "float32")
    assert json.loads(run("layers", "--json").out)["model"] == "lenet5"
    assert json.loads(run("layers", "dreamnet", "--json").out)["model"] == "dreamnet"
    run("dream", photo, *QUICK, "-o", "a.png")
    run("dream", photo, *QUICK, "-o", "b.png", "--model", "dreamnet")
    names = []
    for path in ("a.png", "b.png"):
        record = read_record(Path(path))
        assert record is not None
        names.append(record.provenance.network["name"])
        assert record.provenance.settings["precision"] == "float32"
    assert names == ["lenet5", "dreamnet"]


def test_a_preset_overrides_a_variable(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMCLI_MODEL", "alexnet")
    presets = Path("config/dreamcli/presets")
    presets.mkdir(parents=True)
    (presets / "mine.toml").write_text('[dream]\nmodel = "lenet5"')
    run("dream", photo, *QUICK, "-o", "a.png", "--preset", "mine")
    record = read_record(Path("a.png"))
    assert record is not None
    assert record.provenance.network["name"] == "lenet5"


def test_a_wrong_value_is_reported_with_its_variable(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMCLI_DEVICE", "gpu")
    outcome = run("dream", photo)
    assert outcome.code == 2
    assert "DREAMCLI_DEVICE" in outcome.err
    assert "'gpu' is not one of" in outcome.err
    assert outcome.err.count("\n") == 1
