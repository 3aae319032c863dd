"""Send nonsense to everything that reads what strangers made, for as long as you like.

    python -m tests.faults.fuzz --minutes 60

Prints how often each kind was tried. Stops at the first surprise: an error that isn't a sentence for people, a message
of more than a screen, a file that wasn't asked for, or more than ten seconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import string
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError
from dreamcli.files.clip import read_clip
from dreamcli.files.film import read_video_record
from dreamcli.files.presets import read_preset
from dreamcli.files.record import Record, read_record
from dreamcli.settings.spelling import words
from dreamcli.web.drops import file_name
from tests.faults.test_records import RECORD, RECORD_PLACES
from tests.files.clips import pan, write_clip
from tests.web.serving import Server, serving

SECONDS = 10  # for one try
LONGEST = 600  # characters of a message
TEXTS = ["", "x" * 100_000, "../../etc/passwd", "/dev/zero", "a\0b", "-o", "{id}", "dreamnet=/etc/passwd",
         "resnet50", "high", "1e999", "\N{FACE WITH TEARS OF JOY}", "\x1b[2J", "net.py:Net", "<script>"]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")]

Chance = random.Random


def nonsense(chance: Chance, depth: int = 3) -> Any:
    """A value of any type that JSON has."""
    kind = chance.randrange(7 if depth else 5)
    if kind == 0:
        return chance.choice([None, True, False])
    if kind in (1, 2):
        return chance.choice(NUMBERS)
    if kind in (3, 4):
        return chance.choice(TEXTS) if chance.random() < 0.7 else "".join(chance.choices(string.printable, k=9))
    several = [nonsense(chance, depth - 1) for _ in range(chance.randrange(4))]
    return several if kind == 5 else {chance.choice(TEXTS): each for each in several}


def like(chance: Chance, value: Any) -> Any:
    """Another value of the same type, where that is text or a number."""
    return chance.choice(TEXTS if isinstance(value, str) else NUMBERS)


def flipped(chance: Chance, contents: bytes) -> bytes:
    """The same with some bytes changed, or cut short."""
    broken = bytearray(contents)
    for _ in range(chance.choice((1, 4, 20))):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken[: chance.randrange(len(broken))] if chance.random() < 0.2 else broken)


def try_record(chance: Chance, folder: Path) -> None:
    """A record, read from a picture and used as far as it goes without a network."""
    fields = json.loads(json.dumps(RECORD.to_dict()))
    if chance.random() < 0.5:  # from noise, which is never missing
        fields["job"] |= {"input": "", "others": {}}
    for _ in range(chance.randrange(1, 4)):
        group, way = fields, chance.choice(RECORD_PLACES)
        with suppress(TypeError, KeyError):
            for name in way[:-1]:
                group = group[name]
            group[way[-1]] = like(chance, group[way[-1]]) if chance.random() < 0.6 else nonsense(chance)
    text = json.dumps(fields) if chance.random() < 0.9 else json.dumps(nonsense(chance))
    path = folder / "theirs.png"
    info = PngInfo()
    info.add_itxt("dreamcli", text if chance.random() < 0.8 else text[: chance.randrange(1 + len(text))])
    Image.new("RGB", (4, 3)).save(path, pnginfo=info)
    record = read_record(path)
    if record:
        use(record)


def use(record: Record) -> None:
    """What is done with a record before a network is loaded."""
    assert record.seen_by is not None
    assert record.to_json()
    with suppress(KeyError):  # there is no such form
        settings = record.provenance.form_settings()
        assert words(settings.changed()) is not None
        assert settings.to_json()


def try_replay(chance: Chance, folder: Path) -> None:
    """The same from the command line, which may end only with a line and a code."""
    from dreamcli.cli import cli

    with suppress(DreamcliError):
        try_record(chance, folder)
    os.chdir(folder)
    command = ["replay", "theirs.png", "--dry-run", "--quiet"]
    with suppress(click.ClickException):
        cli.main(command, standalone_mode=False)


def try_preset(chance: Chance, folder: Path) -> None:
    """A preset."""
    path = folder / "theirs.toml"
    lines = [f"[{chance.choice(['dream', 'class', 'x', '', '[a'])}]"]
    lines += [f"{chance.choice(['layer', 'steps', 'size', 'x'])} = {json.dumps(nonsense(chance))}" for _ in range(3)]
    if chance.random() < 0.1:
        lines.append("a = " + "[" * chance.choice([10, 1000, 30_000]))
    path.write_bytes(flipped(chance, "\n".join(lines).encode()) if chance.random() < 0.3 else "\n".join(lines).encode())
    read_preset(path)


def try_name(chance: Chance, folder: Path) -> None:
    """What a browser calls an upload."""
    name = file_name("".join(chance.choices(TEXTS[:1] + TEXTS[2:] + list(string.printable), k=chance.randrange(40))))
    assert Path(name).name == name
    (folder / "uploads").mkdir(exist_ok=True)
    path = folder / "uploads" / name
    path.touch()
    path.unlink()


class Videos:
    """Changes videos of every container."""

    def __init__(self, folder: Path) -> None:
        codecs = {".mp4": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9", ".mkv": "ffv1", ".avi": "mpeg4"}
        self._whole = {
            suffix: write_clip(folder / f"clip{suffix}", pan(6), codec=codec).read_bytes()
            for suffix, codec in codecs.items()
        }

    def __call__(self, chance: Chance, folder: Path) -> None:
        suffix = chance.choice(list(self._whole))
        path = folder / f"theirs{suffix}"
        path.write_bytes(flipped(chance, self._whole[suffix]))
        with suppress(DreamcliError):
            read_video_record(path)
        clip = read_clip(path)
        assert clip.frames <= 100_000


class Sockets:
    """Sends messages to a page, as its script would; now and then, the page must still be there."""

    def __init__(self, server: Server) -> None:
        self._server, self._session, self._sent = server, "", 0

    def __call__(self, chance: Chance, _folder: Path) -> None:
        address = f"{self._server.address}/_nicegui_ws/socket.io/?EIO=4&transport=polling"
        if not self._session or chance.random() < 0.02:
            answer = self._ask(address)
            self._session = json.loads(answer[1:])["sid"] if answer else ""
            self._ask(f"{address}&sid={self._session}", b"40")
        event = chance.choice(["handshake", "event", "javascript_response", "ack", "log", "x"])
        message = {"client_id": nonsense(chance), "id": nonsense(chance), "args": nonsense(chance)}
        packet = "42" + json.dumps([event, chance.choice([message, nonsense(chance)])])
        if chance.random() < 0.2:
            packet = flipped(chance, packet.encode()).decode("latin-1")
        with suppress(TimeoutError):  # Engine.IO waits for the sender of a wrong packet to listen
            self._ask(f"{address}&sid={self._session}", packet.encode(), 1)
        self._sent += 1
        if self._sent % 100 == 0:
            assert "dreamcli" in self._ask(self._server.address)

    def _ask(self, address: str, data: bytes | None = None, seconds: float = SECONDS) -> str:
        try:
            with urllib.request.urlopen(address, data, seconds) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:  # it closed the session
            error.close()
            self._session = ""
            return ""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """End what takes longer."""

    def end(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def fuzz(seconds: float, seed: int) -> Counter[str]:
    """Try everything in turn.

    Returns:
        how often each kind was tried, and how often it was refused.
    """
    counts: Counter[str] = Counter()
    home = Path.cwd()
    import_module("torchvision.models")  # so that no attempt waits for it
    with TemporaryDirectory() as name, serving(Path(name) / "page") as server:
        folder = Path(name)
        kinds: dict[str, Callable[[Chance, Path], None]] = {
            "records": try_record, "replays": try_replay, "presets": try_preset, "names": try_name,
            "videos": Videos(folder), "messages": Sockets(server),
        }  # fmt: skip
        end, number = time.monotonic() + seconds, seed
        try:
            while time.monotonic() < end:
                for kind, attempt in kinds.items():
                    number += 1
                    counts[kind] += 1
                    try:
                        with within(SECONDS):
                            attempt(Chance(number), folder)
                    except DreamcliError as error:
                        counts[f"{kind} refused"] += 1
                        if len(str(error)) > LONGEST:
                            raise ValueError(f"a long message, with the seed {number}") from error
                    except BaseException as error:
                        error.add_note(f"{kind}, with the seed {number}")
                        raise
        finally:
            os.chdir(home)
    return counts


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(minutes: float, seed: int) -> None:
    """Print the counts as JSON."""
    click.echo(json.dumps(fuzz(60 * minutes, seed), indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
