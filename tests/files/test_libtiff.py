from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from dreamcli.errors import DreamcliError
from dreamcli.files.libtiff import heard
from dreamcli.files.reading import read_picture
from tests.faults import nasty

TIFFS = [each for each in nasty.everything() if each[0].endswith(".tif") and not each[0].startswith(("pages", "strip"))]


def test_nothing_is_printed_of_a_broken_picture(capfd: pytest.CaptureFixture[str]) -> None:
    reasons = []
    for _, contents in TIFFS:
        try:
            read_picture(contents)
        except DreamcliError as error:
            reasons.append(str(error))
    assert capfd.readouterr().err == ""
    assert any("ZIPDecode: " in reason for reason in reasons)


def test_a_picture_that_is_read_in_spite_of_it_has_a_note() -> None:
    notes = []
    for _, contents in (each for each in TIFFS if each[0].endswith("group4.tif")):
        with suppress(DreamcliError):
            notes += read_picture(contents).notes
    assert [note for note in notes if note.startswith("partly damaged (Fax4Decode: Bad code word")]


def test_what_others_print_meanwhile_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    with heard() as said:
        os.write(2, b"a bar at 50%\x1b[1A\nZIPDecode: Decoding error.\n" + 100_000 * b"x")
    assert said == ["ZIPDecode: Decoding error."]
    assert capfd.readouterr().err.startswith("a bar at 50%\x1b[1A\nxxx")


def test_without_stderr_pictures_are_read_all_the_same() -> None:
    code = "from dreamcli.files.libtiff import heard\nwith heard() as said: print('read')"
    result = subprocess.run(f'{sys.executable} -c "{code}" 2>&-', shell=True, capture_output=True, text=True)
    assert result.stdout == "read\n"
