"""What people are told where an optional package is missing."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from dreamcli.errors import _OPTIONAL, DreamcliError, Install, needs

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


@pytest.mark.parametrize("package", _OPTIONAL)
def test_a_missing_package_names_an_extra_that_exists(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DreamcliError, match=r"isn't installed$") as caught:
        needs(package)
    assert isinstance(caught.value.hint, Install)
    assert caught.value.hint.extra in tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]


def test_a_package_that_is_there_is_imported() -> None:
    assert needs("json") is sys.modules["json"]
