"""Every form, on every device that this machine has, against the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from dreamcli.files.reading import Pixels
from dreamcli.forms import settings_classes
from dreamcli.settings.base import Settings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.filters import FilterSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.settings.references import References
from dreamcli.studio.pictures import Result, read_image
from dreamcli.studio.session import Session
from tests.conftest import scene

FORMS = settings_classes()

# the CPU is compared with itself, so that the test itself is tested on machines that have nothing else
PRESENT = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
PHOTO, OTHER = scene(48, 64), scene(40, 40)
QUICK = {"steps": 2, "octaves": 1}
# another device rounds sums differently, so after two steps a few levels of 255 differ
MEAN, LEVELS, SHARE, PROBABILITY = 1.0, 4, 0.99, 0.02

Made = list[Pixels] | dict[str, float]


def of(made: Result | list[Result]) -> list[Pixels]:
    return [result.picture.pixels for result in (made if isinstance(made, list) else [made])]


def settled(settings: Settings) -> Callable[[Session], Made]:
    return lambda session: of(session.make(settings, read_image(PHOTO)))


def second_frame(session: Session) -> Made:
    settings = FilmSettings(layers=(LayerSpec("mid"),), seconds=0.5, fps=8, rotate=10, **QUICK)
    start = read_image(PHOTO)
    film = session.film(settings, start.picture, start, References(), Path("film.mp4"))
    frame = film.frame(1, PHOTO, PHOTO)
    assert frame is not None
    return [frame]


MAKERS: dict[str, Callable[[Session], Made]] = {
    "dream": lambda session: of(session.dream(PHOTO, mask=OTHER, **QUICK)),
    "dream, guided": lambda session: of(session.dream(PHOTO, guide=OTHER, **QUICK)),
    "class": lambda session: of(session.visualize_class("goldfish", size=64, like=[scene(80, 80)], **QUICK)),
    "class, fourier": lambda session: of(
        session.visualize_class("goldfish", size=64, parameterization="fourier", prior=0.1, turn=5, zoom=0.1, **QUICK)
    ),
    "boost": lambda session: of(session.boost(layer="mid:3", size=64, count=2, diversity=1.0, **QUICK)),
    "boost, phase": lambda session: of(session.boost(layer="mid:3", size=64, parameterization="phase", **QUICK)),
    "boost, pixels": lambda session: of(
        session.boost(layer="mid:3", size=64, parameterization="pixels", blur=1.0, **QUICK)
    ),
    "style": lambda session: of(session.stylize(PHOTO, OTHER, content_masks=[OTHER], **QUICK)),
    "style, moments": lambda session: of(
        session.stylize(PHOTO, OTHER, statistics="moments", optimizer="lbfgs", colors="match", **QUICK)
    ),
    "invert": lambda session: of(session.invert(PHOTO, **QUICK)),
    "caricature": lambda session: of(session.caricature(PHOTO, **QUICK)),
    "features": settled(FeatureSettings(layers=(LayerSpec("mid"),), size=64)),
    "explain": lambda session: of(session.explain(PHOTO, "goldfish", steps=2, size=64)),
    "filters": settled(FilterSettings()),
    "filters, applied": settled(FilterSettings(apply="edge")),
    "microscope": settled(MicroscopeSettings(layers=(LayerSpec("high", 0),), before="fire8", size=64, **QUICK)),
    "film": second_frame,
    "classify": lambda session: dict(session.classify(PHOTO, 1000)),
}


@cache
def made(name: str, device: str) -> Made:
    if name == "explain":
        pytest.importorskip("captum", reason="explain needs the extra `explain`")
    with Session("dreamnet", judge="none", device=device, precision="float32") as session:
        return MAKERS[name](session)


def test_every_form_is_tried() -> None:
    assert {name.partition(",")[0] for name in MAKERS} >= FORMS.keys()


@pytest.mark.parametrize("device", PRESENT)
@pytest.mark.parametrize("name", MAKERS)
def test_a_device_makes_what_the_cpu_makes(name: str, device: str) -> None:
    if not PRESENT[device]:
        pytest.skip(f"there is no {device} device on this machine")
    wanted = made(name, "cpu")
    if device == "cpu":
        made.cache_clear()
    found = made(name, device)
    if isinstance(wanted, dict):
        assert found == pytest.approx(wanted, abs=0 if device == "cpu" else PROBABILITY)
        return
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        change = np.abs(one.astype(int) - other)
        assert change.mean() <= (0 if device == "cpu" else MEAN)
        assert (change <= LEVELS).mean() >= SHARE


@pytest.mark.parametrize("device", PRESENT)
def test_the_precision_that_a_device_takes_by_itself_works(device: str) -> None:
    if not PRESENT[device]:
        pytest.skip(f"there is no {device} device on this machine")
    with Session("dreamnet", judge="none", device=device) as session:
        assert session.dream(PHOTO, **QUICK).record.stopped == "done"


@pytest.mark.parametrize(("chosen", "found"), [(None, "1"), ("0", "0")])
def test_torch_finds_the_cpu_as_a_fallback_unless_somebody_chose(chosen: str | None, found: str) -> None:
    name = "PYTORCH_ENABLE_MPS_FALLBACK"
    surroundings = {key: value for key, value in os.environ.items() if key != name}
    surroundings |= {name: chosen} if chosen else {}
    # dreamcli.__main__ is in the package, too
    code = f"import os, sys, dreamcli.__main__; print(os.environ[{name!r}], 'torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True).stdout
    assert printed.split() == [found, "False"]
