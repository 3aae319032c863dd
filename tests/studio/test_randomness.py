"""Networks that draw random numbers themselves, from torch's default generators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.settings.references import References
from dreamcli.studio.pictures import ReadInput
from dreamcli.studio.session import Session
from tests.conftest import scene

QUICK = {"steps": 2, "octaves": 1}
PHOTO, OTHER = scene(40, 48), scene(36, 32)
CODE = """
import torch
from torch import nn
from torch.nn import functional as F

class Forgetful(nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(12, num_classes)

    def forward(self, x):
        x = self.first(x)
        x = self.second(F.dropout(x + 0.5 * torch.rand_like(x), 0.3))  # without training=self.training
        return self.head(self.third(x).mean((2, 3)))
"""
namespace: dict[str, type[nn.Module]] = {}
exec(CODE, namespace)


def make_features(session: Session) -> list[object]:
    start = ReadInput(Picture(PHOTO), "photo.png")
    (result,) = session.make(FeatureSettings(layers=(LayerSpec("third"),), size=48), start)
    return [result.picture.pixels]


def make_atlas(session: Session) -> list[object]:
    settings = MicroscopeSettings(layers=(LayerSpec("third", 0),), before="second", size=48, **QUICK)
    (result,) = session.make(settings)
    return [result.picture.pixels, result.record.score]


def make_frame(session: Session) -> list[object]:
    settings = FilmSettings(layers=(LayerSpec("third"),), seconds=0.5, fps=8, **QUICK)
    start = ReadInput(Picture(PHOTO), "photo.png")
    film = session.film(settings, start.picture, start, References(), Path("film.mp4"))
    return [film.frame(2, PHOTO, PHOTO)]


def pictures(make: Callable[[Session], object]) -> Callable[[Session], list[object]]:
    def made(session: Session) -> list[object]:
        found = make(session)
        results = found if isinstance(found, list) else [found]
        return [part for each in results for part in (each.picture.pixels, each.record.score)]

    return made


MAKERS: dict[str, Callable[[Session], list[object]]] = {
    "dream": pictures(lambda session: session.dream(PHOTO, layer="third", **QUICK)),
    "guide": pictures(lambda session: session.dream(PHOTO, layer="third", guide=OTHER, **QUICK)),
    "boost": pictures(lambda session: session.boost(layer="third:1", size=48, count=2, **QUICK)),
    "best of": pictures(lambda session: session.visualize_class("1", size=48, best_of=2, **QUICK)),
    "neighbors": pictures(lambda session: session.stylize(PHOTO, OTHER, **QUICK)),
    "moments": pictures(lambda session: session.stylize(PHOTO, OTHER, statistics="moments", **QUICK)),
    "invert": pictures(lambda session: session.invert(PHOTO, layer="third", **QUICK)),
    "caricature": pictures(lambda session: session.caricature(PHOTO, layer="third", **QUICK)),
    "explain": pictures(lambda session: session.explain(PHOTO, "1", steps=2, size=48)),
    "features": make_features,
    "microscope": make_atlas,
    "film": make_frame,
    "classify": lambda session: list(session.classify(PHOTO)),
    "channels": lambda session: list(session.classify(PHOTO, layer="third")),
    "feature maps": lambda session: list(session.feature_maps(PHOTO, layer="third").values()),
}


@pytest.fixture(autouse=True)
def _state():
    """The random state of everyone else."""
    with torch.random.fork_rng(devices=[]):
        yield


def forgetful() -> nn.Module:
    torch.manual_seed(3)
    return namespace["Forgetful"]()


def made(name: str, model: nn.Module, before: int) -> list[object]:
    torch.manual_seed(before)
    state = torch.get_rng_state()
    with Session(model, judge="none", device="cpu", precision="float32") as session:
        found = MAKERS[name](session)
    assert torch.equal(torch.get_rng_state(), state), "the caller's own random numbers go on as if nothing had happened"
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_the_seed_covers_a_networks_own_randomness(name: str) -> None:
    model = forgetful()
    for one, other in zip(made(name, model, 1), made(name, model, 2), strict=True):
        np.testing.assert_equal(one, other)


def test_another_seed_is_another_randomness() -> None:
    fixed = {"layer": "third", "jitter": 0, **QUICK}
    with Session(forgetful(), judge="none", device="cpu", precision="float32") as session:
        one, other = (session.dream(PHOTO, seed=seed, **fixed).picture.pixels for seed in (0, 1))
    assert np.abs(one.astype(int) - other).mean() > 0.1


def test_a_networks_noise_is_not_the_noise_that_a_picture_starts_from() -> None:
    start = torch.randn(8, generator=torch.Generator().manual_seed(5))
    with Compute.resolve("cpu").repeatable(5):
        assert not torch.equal(torch.randn(8), start)


@pytest.mark.parametrize("changes", [{}, {"statistics": "moments"}])
def test_no_picture_depends_on_those_before_it_in_the_session(changes: dict[str, str], tmp_path: Path) -> None:
    style = tmp_path / "style.png"  # a file, whose statistics are remembered
    Image.fromarray(OTHER).save(style)
    model = forgetful()
    with Session(model, judge="none", device="cpu", precision="float32") as session:
        first, second = (session.stylize(PHOTO, style, **QUICK, **changes).picture.pixels for _ in range(2))
    np.testing.assert_array_equal(first, second)
