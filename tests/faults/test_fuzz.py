"""Nonsense of every kind, for a few seconds; ``python -m tests.faults.fuzz`` goes on for longer."""

from __future__ import annotations

import pytest

pytest.importorskip("nicegui", reason="the page needs the extra `web`")
pytest.importorskip("av", reason="videos need the extra `video`")
from tests.faults.fuzz import fuzz


def test_nonsense_is_refused_in_a_sentence() -> None:
    counts = fuzz(8, seed=0)
    assert all(counts[kind] for kind in ("messages", "names", "presets", "records", "replays", "videos"))
    assert all(counts[f"{kind} refused"] for kind in ("presets", "records", "replays", "videos"))
