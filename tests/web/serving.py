"""A page that is served by a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Server:
    """Its address, and the folder in which it makes its own for temporary files."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def own_folders(self) -> list[Path]:
        return list(self.folder.glob("dreamcli-web-*"))

    @property
    def memory(self) -> int:
        """Its resident memory in bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and wait for its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(20)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """A server that has begun to serve. It must not complain of anything."""
    temporary, log = folder / "tmp", folder / "log.txt"
    temporary.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DREAMCLI_", "PYTEST_"))}
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "dreamcli", "web", "--port", "0", *options], cwd=folder, stderr=said,
            env=environment | {"TMPDIR": str(temporary), "HOME": str(folder)},
        )  # fmt: skip
    try:
        while not (found := re.search(r"the page: (http://\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Server(found[1], temporary, process)
        assert len(log.read_text().splitlines()) == 1, log.read_text()
    finally:
        process.kill()
        process.wait()
