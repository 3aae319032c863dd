from __future__ import annotations

from pathlib import Path

import pytest

from dreamcli.files.plan import make_plan
from dreamcli.files.shard import Shard
from dreamcli.settings.dream import DreamSettings

KEYS = [f"sub{i % 7}/photo {i}.jpg" for i in range(1000)]


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_every_key_is_in_exactly_one_share_and_the_shares_are_about_equal(count: int) -> None:
    shares = [[key for key in KEYS if Shard(i + 1, count).has(key)] for i in range(count)]
    assert sorted(key for share in shares for key in share) == sorted(KEYS)
    assert min(map(len, shares)) > 0.7 * len(KEYS) / count


def test_a_key_is_in_the_same_share_in_every_version() -> None:
    # two machines may differ in Python and in ours: this must never change
    assert [key for key in ("a.png", "b/c.png", "é.jpg", "\udcff.jpg") if Shard(1, 2).has(key)] == [
        "a.png",
        "é.jpg",
        "\udcff.jpg",
    ]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1.0/2"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form I/N"):
        Shard.parse(text)


def test_a_picture_has_the_same_key_wherever_its_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("a/photos", "b/mirror"):
        (tmp_path / place / "deep").mkdir(parents=True)
        (tmp_path / place / "deep" / "x.jpg").touch()
    monkeypatch.chdir(tmp_path / "a")
    found = [make_plan([given], None, DreamSettings()) for given in ("photos", "./photos/", str(tmp_path / "b/mirror"))]
    assert [[task.key for task in plan] for plan in found] == [["deep/x.jpg"]] * 3
