"""(b) Whole commands, start to finish: the default dream, its split and its ratio to bare steps; class; and style."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from dreamcli.art.octaves import schedule
from dreamcli.engine.compute import Compute
from dreamcli.networks import zoo
from dreamcli.settings.dream import DreamSettings

from .bare import bare_seconds

HEIGHT, WIDTH = 384, 512
RATIO_LIMIT, SECONDS_LIMIT = 3.0, 10.0
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
PHOTOGRAPH, SQUARE = SAMPLES / "coffee.jpg", SAMPLES / "astronaut.jpg"
STYLE_PICTURE = SAMPLES / "styles" / "glass.jpg"
STYLE_LIMITS = {256: "20 s", 512: "60 s", 1024: ""}  # by size

# what the command does, with a clock in between
_SPLIT = """
import json, sys, time
ticks = [time.perf_counter()]
from pathlib import Path
from dreamcli.files.reading import read_picture
from dreamcli.files.writing import write_picture
from dreamcli.settings.dream import DreamSettings
from dreamcli.studio.pictures import ReadInput
from dreamcli.studio.session import Session
ticks.append(time.perf_counter())
session = Session()
session.ensemble(DreamSettings)
picture = read_picture(Path(sys.argv[1]))
ticks.append(time.perf_counter())
(result,) = session.make(DreamSettings(), ReadInput(picture, "photo.png"))
ticks.append(time.perf_counter())
write_picture(Path(sys.argv[2]), result.picture, result.record)
ticks.append(time.perf_counter())
print(json.dumps([b - a for a, b in zip(ticks, ticks[1:])]))
"""


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    settings = DreamSettings()
    ensemble = zoo.load_all(settings.model)
    if ensemble.prefers_float32:
        compute = replace(compute, precision=torch.float32)
    octaves = schedule((HEIGHT, WIDTH), settings)
    bare = sum(
        steps * bare_seconds(layer.network, layer.name, *size, compute)
        for size, steps in octaves
        for layer in ensemble.find(settings.layers[0])
    )
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.png")
        with Image.open(PHOTOGRAPH) as image:
            image.resize((WIDTH, HEIGHT)).save(photo)
        whole = [_seconds("dream", str(photo), "-o", f"{folder}/{round_}.png") for round_ in range(ROUNDS)]
        command = [sys.executable, "-c", _SPLIT, str(photo), f"{folder}/split.png"]
        split = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    seconds = sorted(whole)[ROUNDS // 2]
    parts = ", ".join(
        f"{name} {part:.2f}" for name, part in zip(("start-up", "load", "ascent", "write"), split, strict=True)
    )
    yield f"default dream of {WIDTH}x{HEIGHT}, whole command", f"{seconds:.2f} s  ({parts})", f"{SECONDS_LIMIT:.0f} s"
    ratio = f"{seconds / bare:.2f}  (bare {bare:.2f} s)"
    yield "the same / bare network time of its steps", ratio, f"{RATIO_LIMIT:.2f}"
    with tempfile.TemporaryDirectory() as folder:
        drawing = _seconds("class", "goldfish", "-o", f"{folder}/class.png")
    yield "default class image, whole command", f"{drawing:.1f} s", ""
    for size, limit in STYLE_LIMITS.items():
        with tempfile.TemporaryDirectory() as folder:
            style = ("--style", str(STYLE_PICTURE), "--size", str(size), "-o", f"{folder}/style.png")
            painting = _seconds("style", str(SQUARE), *style)
        yield f"default style of {size}x{size}, whole command", f"{painting:.1f} s", limit


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "dreamcli", *arguments, "-q"], check=True)
    return time.perf_counter() - started
