"""Surroundings that lack something: a home, a terminal, room, memory, somebody who listens."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.__main__ import main
from dreamcli.errors import describe
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import scene

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
DREAM = f"{sys.executable} -m dreamcli"
ROOM = 2**30  # bytes, beyond what torch takes by being imported
SMALL = "--size 48 --steps 1 --octaves 1 --model dreamnet --judge none"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shell(command: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=300, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("home", [None, "/dev/null"])
def test_without_a_home_all_but_ones_own_presets_works(photo: Path, home: str | None) -> None:
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith(("HOME", "XDG_"))}
    surroundings |= {} if home is None else {"HOME": home}
    for arguments in (f"dream {photo} --preset whisper {SMALL} -o out.png --overwrite", "presets", "models dreamnet"):
        done = shell(f"{DREAM} {arguments}", env=surroundings)
        assert done.returncode == 0, (arguments, done.stderr)
    assert Path("out.png").exists()
    if home:
        done = shell(f"{DREAM} replay out.png --save-preset mine", env=surroundings)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "mine.toml" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_closed_streams_lose_no_picture(photo: Path, closed: str) -> None:
    done = shell(f"{DREAM} dream {photo} {SMALL} -o out.png {closed}")
    assert done.returncode == 0, done.stderr
    assert read_record(Path("out.png"))
    failed = shell(f"{DREAM} dream nothing.png {closed}")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("command", ["models", "dream --help", "presets"])
def test_a_reader_that_leaves_early_hears_no_complaint(command: str) -> None:
    done = shell(f"{{ {DREAM} {command}; echo $? > code; }} | head -1")
    assert Path("code").read_text() == "0\n"
    assert done.stdout.count("\n") <= 1
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1, done.stderr


def test_too_little_memory_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    Image.fromarray(np.tile(scene(), (100, 100, 1))).save("large.jpg")  # 8000 x 6000 pixels
    Image.fromarray(scene()).save("small.png")
    Path("in").mkdir()
    for name in ("large.jpg", "small.png"):
        Path(name).rename(Path("in") / name)

    peak = "import torch; print(next(l for l in open('/proc/self/status') if l.startswith('VmPeak')).split()[1])"
    torchs_own = 1024 * int(subprocess.run([sys.executable, "-c", peak], capture_output=True, check=True).stdout)

    def limited() -> None:
        most = torchs_own + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    done = shell(f"{DREAM} dream in -o out --steps 1 --octaves 1 --model dreamnet --judge none", preexec_fn=limited)
    assert "Traceback" not in done.stderr
    assert Path("out/small.png").exists(), done.stderr
    assert Path("out/large.png").exists() == (done.returncode == 0)
    for left in Path("out").iterdir():
        assert read_record(left), left


def test_a_removed_output_folder_is_made_again(run: Callable[..., object], photo: Path) -> None:
    Path("out").mkdir()
    folder = Path("out").resolve()
    folder.rmdir()
    code = main(["dream", str(photo), *SMALL.split(), "-o", f"{folder}/deep/er.png"])
    assert code == 0
    assert (folder / "deep" / "er.png").exists()


def test_many_pictures_take_no_more_memory_than_few(tmp_path: Path) -> None:
    """File descriptors and memory after 20 and after 60 pictures."""
    Path("in").mkdir()
    for number in range(60):
        Image.fromarray(np.roll(scene(), number, 1)).save(Path("in") / f"{number:03}.png")
    code = f"""
import os, resource
from dreamcli.cli import report
from dreamcli.__main__ import main
from dreamcli.errors import describe
seen = []
add = report.Report.add
def counted(self, outcome):
    add(self, outcome)
    pages = int(open("/proc/self/statm").read().split()[1])
    seen.append((pages * resource.getpagesize() / 2**20, len(os.listdir("/proc/self/fd"))))
report.Report.add = counted
assert main("dream in -o out -q {SMALL}".split()) == 0
assert len(seen) == 60
print(seen[19][0], seen[59][0], seen[19][1], seen[59][1])
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, files_before, files_after = map(float, done.stdout.split())
    assert after < before + 15, done.stdout  # MiB
    assert files_after <= files_before + 1


def test_an_input_that_grows_while_it_is_read_is_whole_or_refused(run: Callable[..., object], photo: Path) -> None:
    whole = photo.read_bytes()
    for share in (0.0, 0.3, 0.9):
        photo.write_bytes(whole[: int(share * len(whole))])
        assert main(["dream", str(photo), *SMALL.split(), "-o", "out.png"]) == 1
        assert not Path("out.png").exists()
    photo.write_bytes(whole)
    assert main(["dream", str(photo), *SMALL.split(), "-o", "out.png"]) == 0
    assert read_picture(Path("out.png")).pixels.shape[1] == 48


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_a_lack_of_memory_is_named(error: Exception) -> None:
    message, hint = describe(error)
    assert message.startswith("not enough memory for this process (")
    assert hint is None
