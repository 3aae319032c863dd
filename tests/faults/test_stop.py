"""Batches that are stopped at random moments, or run at once. `stop` and `together` do the same at length."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each run is a fork")
@pytest.mark.parametrize(
    "arguments",
    [
        ["stop", "--signal", "KILL", "--times", "2", "--pictures", "6"],
        ["stop", "--signal", "INT", "--times", "1", "--pictures", "6"],
        ["stop", "--signal", "INT", "--twice", "--times", "1", "--pictures", "6"],
        ["together", "--pictures", "6"],
    ],
    ids=" ".join,
)
def test_nothing_is_lost_torn_or_left_behind(arguments: list[str]) -> None:
    module, *options = arguments
    done = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{module}", *options], capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout or "{}").get("wrong")) == (0, []), done.stderr
