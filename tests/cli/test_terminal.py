"""What a person sees in a terminal: whole messages, and no bars once the command has ended."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from rich.table import Table

from dreamcli.__main__ import main
from dreamcli.cli import terminal
from tests.conftest import Outcome, scene

COMMANDS = Path(terminal.__file__).parent
SMALL = ("--size", "48", "--octaves", "1")
QUICK = (*SMALL, "--steps", "2")
ENDLESS = (*SMALL, "--steps", "10000")
LONG = f"[red]{'a long name ' * 15}:cat:.png"  # longer than a line in each of the terminals
BLOCK, CURSOR_OFF = "▀", "\x1b[?25l"
# runs one command line after another, so that torch is imported once
PROGRAM = """
import json, os, signal
from dreamcli.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in the background, where tests may run
while True:
    folder, arguments, environment = json.loads(input())
    os.chdir(folder)
    os.environ.pop("NO_COLOR", None)
    os.environ.update(environment)
    os.write(1, b"<<start>>")
    code = main(arguments)
    os.write(1, f"<<end {code}>>".encode())
"""


class Terminal:
    """A pseudo-terminal, and a process in it that runs command lines."""

    def __init__(self, folder: Path) -> None:
        pexpect = pytest.importorskip("pexpect", reason="plays the person at the terminal")
        left_out = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        environment = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "OMP_NUM_THREADS": "1"}
        environment |= {"DREAMCLI_MODEL": "dreamnet", "DREAMCLI_JUDGE": "none", "XDG_CONFIG_HOME": str(folder)}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        self.process = pexpect.spawn(sys.executable, ["-c", PROGRAM], env=environment, timeout=300)

    def run(self, folder: Path, arguments: tuple[str, ...], size: tuple[int, int], color: bool, stop: str) -> Screen:
        """Run a command line; if ``stop`` is given, press Ctrl-C once that is seen."""
        columns, lines = size
        self.process.setwinsize(lines, columns)
        self.process.sendline(json.dumps([str(folder), arguments, {} if color else {"NO_COLOR": "1"}]))
        self.process.expect_exact(b"<<start>>")
        printed = b""
        if stop:
            self.process.expect(stop.encode())
            printed = self.process.before + self.process.after
            self.process.sendintr()
        self.process.expect(rb"<<end (\d+)>>")
        printed += self.process.before
        return Screen(printed.replace(b"\x03", b"").decode(), int(self.process.match[1]), size)


class Screen:
    """What a terminal shows in the end.

    Attributes:
        code: the exit code.
        printed: everything that was printed.
        rows: what is on the screen, and what was scrolled off.
    """

    def __init__(self, printed: str, code: int, size: tuple[int, int]) -> None:
        pyte = pytest.importorskip("pyte", reason="plays the terminal")
        self.printed, self.code, self.columns = printed, code, size[0]
        self.shown = pyte.HistoryScreen(*size, history=1000, ratio=1)
        pyte.Stream(self.shown).feed(printed)
        self.scrolled = ["".join(row[x].data for x in range(size[0])).rstrip() for row in self.shown.history.top]
        self.rows = [row.rstrip() for row in self.shown.display]

    @property
    def lines(self) -> list[str]:
        """The lines, put together again where the terminal broke them, without the time it took."""
        text = "".join(
            f"{row:{self.columns}}" if self._is_full(row) else f"{row}\n" for row in self.scrolled + self.rows
        )
        timed = r" in [\d.]+ s(, \S+ pictures per minute)?$"
        return re.sub(timed, "", text.rstrip(), flags=re.MULTILINE).splitlines()

    def _is_full(self, row: str) -> bool:
        return len(row) >= self.columns - 1  # a line may be broken at a space

    @property
    def is_tidy(self) -> bool:
        """Whether the cursor is seen, below the last line."""
        cursor = self.shown.cursor
        return not cursor.hidden and cursor.x == 0 and not any(self.rows[cursor.y :]) and bool(self.rows[cursor.y - 1])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals of this kind")
    opened = Terminal(tmp_path_factory.mktemp("config"))
    yield opened
    opened.process.kill(signal.SIGKILL)
    opened.process.wait()
    opened.process.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photo.png", LONG, "in/a.png", "in/c.png", "broken/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(scene()).save(tmp_path / name)
    for name in ("in/b.png", "broken/a.png"):
        (tmp_path / name).touch()
    return tmp_path


# what is typed, where Ctrl-C is pressed, the exit code, and the lines that are left
CASES: dict[str, tuple[tuple[str, ...], str, int, list[str]]] = {
    "success": (("dream", "photo.png", *QUICK), "", 0, ["photo.png -> photo-dream.png"]),
    "a long name": (("dream", LONG, *QUICK), "", 0, [f"{LONG} -> {LONG.removesuffix('.png')}-dream.png"]),
    "several": (
        ("class", "jellyfish", "--count", "2", *QUICK), "", 0,
        ["jellyfish -> jellyfish-class-1.png", "jellyfish -> jellyfish-class-2.png", "2 done"],
    ),
    "a folder": (
        ("dream", "in", *QUICK), "", 1,
        ["in/a.png -> in-dream/a.png", "dreamcli: in/b.png: an empty file", "in/c.png -> in-dream/c.png",
         "2 done, 1 failed", "failed: in/b.png: an empty file"],
    ),
    "failure": (("dream", "none.png", *QUICK), "", 1, ["dreamcli: none.png: there is no such file"]),
    "a wrong option": (
        ("dream", "photo.png", "--steps", "few"), "", 2,
        ["dreamcli: Invalid value for '--steps': 'few' is not a whole number (see dreamcli dream --help)"],
    ),
    "Ctrl-C": (("dream", "photo.png", *ENDLESS), "step", 130, ["photo.png -> photo-dream.png (the best so far)"]),
    "Ctrl-C in a folder": (
        ("dream", "broken", *ENDLESS), "step", 130,
        ["dreamcli: broken/a.png: an empty file", "broken/b.png -> broken-dream/b.png (not kept)",
         "1 failed, 1 interrupted", "failed: broken/a.png: an empty file", "run the same command to continue"],
    ),
    "a film": (
        ("film", "photo.png", "--seconds", "1", "--fps", "3", "-o", "zoom.gif", *QUICK), "", 0,
        ["3 frames of 48x36, 3 per second", "photo.png -> zoom.gif"],
    ),
    "Ctrl-C in a film": (
        ("film", "photo.png", "--seconds", "100", "--fps", "10", "-o", "zoom.gif", *QUICK), "frame ([4-9]|\\d\\d)", 130,
        ["1000 frames of 48x36, 10 per second",
         "photo.png -> zoom.gif (what was made so far; run the same command to continue)"],
    ),
}  # fmt: skip
NARROW, WIDE, WIDER = (80, 24), (160, 50), (200, 50)
TERMINALS = [(NARROW, True), (WIDE, False), (WIDER, True)]


@pytest.mark.parametrize(("size", "color"), TERMINALS, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_every_line_is_whole_and_no_bar_is_left(
    started: Terminal, folder: Path, case: str, size: tuple[int, int], color: bool
) -> None:
    arguments, stop, code, lines = CASES[case]
    screen = started.run(folder, arguments, size, color, stop)
    assert screen.lines == lines
    assert (screen.code, screen.is_tidy) == (code, True)
    has_bars = case not in ("failure", "a wrong option")
    assert CURSOR_OFF in screen.printed or not has_bars
    assert bool(re.search(r"\x1b\[(?:\d+;)*[34]8;", screen.printed)) == (has_bars and color)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=str)
def test_the_line_about_a_picture_that_is_shown_stays_in_view(
    started: Terminal, folder: Path, size: tuple[int, int]
) -> None:
    screen = started.run(folder, ("dream", "photo.png", *QUICK, "--show"), size, True, "")
    *picture, line = screen.rows[: screen.shown.cursor.y]
    assert (line, screen.code, screen.is_tidy) == ("photo.png -> photo-dream.png", 0, True)
    assert len(picture) > size[1] - 5
    assert all(set(row) == {BLOCK} for row in picture)
    assert not any(screen.scrolled)
    assert BLOCK not in started.run(folder, ("dream", "photo.png", *QUICK, "--show"), size, False, "").printed


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_one_module_prints_to_stderr(path: Path) -> None:
    past = re.compile(r"print\(|Console\(|click\.s?echo\(.*err=|sys\.std(err|out)\.(write|isatty)")
    calls = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    if path.name != "terminal.py":
        assert not list(filter(past.match, calls)), "use terminal.say or terminal.output_console"


class Notebook:
    """What a notebook may put in place of stderr: it can be written to, and that is all."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_stream_that_can_only_be_written_to_gets_plain_lines(
    run: Callable[..., Outcome], photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as notebooks do
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Notebook())
    assert main(["dream", photo.name, *QUICK, "--show"]) == 0
    assert main(["dream", "none.png"]) == 1
    assert main(["dream", "photo.png", "--steps", "few"]) == 2
    first, second, third = sys.stderr.text.splitlines()  # type: ignore[attr-defined]
    assert first == "photo.png -> photo-dream.png"
    assert second == "dreamcli: none.png: there is no such file"
    assert third.startswith("dreamcli: Invalid value for '--steps'")
    assert main(["presets"]) == 0
    assert "menagerie" in sys.stdout.text  # type: ignore[attr-defined]


@pytest.mark.parametrize("stream", [None, object(), io.StringIO()], ids=["none", "object", "closed"])
def test_what_is_no_terminal(stream: object) -> None:
    if isinstance(stream, io.StringIO):
        stream.close()
    assert not terminal.is_terminal(stream)


def test_tables_hold_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "about", box=None)
    name = f"[red]{'long_name_' * 20}:cat:"
    table.add_row(name, "1,000")
    terminal.print_table(terminal.output_console(100), table)
    assert f"{name}  1,000" in capsys.readouterr().out
