"""`.ci/lowest`, which tries the lowest and the highest versions that are allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dreamcli.forms import settings_classes

FORMS = settings_classes()

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = (ROOT / ".ci" / "lowest").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_made(form: str) -> None:
    assert re.search(rf"^dreamcli {form} ", SCRIPT, re.MULTILINE)


def test_every_extra_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r'"\.\[(.*)\]"', SCRIPT)
    assert extras.split(",") == sorted(project["optional-dependencies"])


def test_ci_calls_it_with_the_lowest_and_the_highest_versions() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "bash .ci/lowest ${{ matrix.versions }}" in workflow
    assert "versions: [lowest, highest]" in workflow
