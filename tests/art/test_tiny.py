"""Pictures of a few pixels, in every form: without neighbors, deviations or places to compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dreamcli.files.reading import Pixels
from dreamcli.studio.pictures import Result
from dreamcli.studio.session import Session
from tests.conftest import scene

SIZES = [(1, 1), (9, 1)]
OTHER = scene(24, 20)
QUICK = {"steps": 1, "octaves": 1}


class Small(nn.Module):
    """A network with everything that a form asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.third = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.third(self.second(self.first(x))).mean((2, 3)))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = Small()
    with Session(module, judge="none", device="cpu", precision="float32") as opened:
        yield opened


Make = Callable[[Session, Pixels], Result | list[Result]]


def boosting(parameterization: str, **settings: object) -> Make:
    def make(session: Session, pixels: Pixels) -> list[Result]:
        longest = max(pixels.shape[:2])
        options = {"parameterization": parameterization, "size": longest, "count": 2, **settings, **QUICK}
        drawn = session.boost(layer="third:1", **options)  # type: ignore[arg-type]
        return [*drawn, *session.boost(pixels, layer="third:1", **options)]  # type: ignore[arg-type]

    return make


FORMS: dict[str, Make] = {
    "dream": lambda session, tiny: session.dream(tiny, layer="third", **QUICK),
    "dream of noise": lambda session, tiny: session.dream(layer="third", size=max(tiny.shape), **QUICK),
    "mask": lambda session, tiny: session.dream(OTHER, layer="third", mask=tiny, **QUICK),
    "masked": lambda session, tiny: session.dream(tiny, layer="third", mask=OTHER, **QUICK),
    "guide": lambda session, tiny: session.dream(OTHER, layer="third", guide=tiny, **QUICK),
    "guided": lambda session, tiny: session.dream(tiny, layer="third", guide=OTHER, **QUICK),
    "neuron": lambda session, tiny: session.dream(tiny, layer="first:1@0,0", **QUICK),
    "neighbors": lambda session, tiny: session.stylize(tiny, OTHER, **QUICK),
    "moments": lambda session, tiny: session.stylize(tiny, OTHER, statistics="moments", **QUICK),
    "gram": lambda session, tiny: session.stylize(tiny, OTHER, statistics="gram", optimizer="lbfgs", **QUICK),
    "luminance": lambda session, tiny: session.stylize(tiny, OTHER, colors="luminance", **QUICK),
    "match": lambda session, tiny: session.stylize(tiny, OTHER, colors="match", **QUICK),
    "style": lambda session, tiny: session.stylize(OTHER, tiny, **QUICK),
    "style to match": lambda session, tiny: session.stylize(OTHER, tiny, colors="match", **QUICK),
    "style mask": lambda session, tiny: session.stylize(OTHER, OTHER, style_masks=[tiny], **QUICK),
    "content mask": lambda session, tiny: session.stylize(OTHER, OTHER, content_masks=[tiny], **QUICK),
    "texture": lambda session, tiny: session.stylize(None, tiny, size=max(tiny.shape[:2]), **QUICK),
    "invert": lambda session, tiny: session.invert(tiny, layer="third", **QUICK),
    "caricature": lambda session, tiny: session.caricature(tiny, layer="third", **QUICK),
    "class": lambda session, tiny: session.visualize_class("1", image=tiny, **QUICK),
    "like": lambda session, tiny: session.visualize_class("1", image=tiny, like=[scene(80, 80)], **QUICK),
    "pyramid": boosting("pyramid", tv=0.1, l2=0.1, prior=0.1, noise=0.1),
    "fourier": boosting("fourier", tv=0.1),
    "phase": boosting("phase", tv=0.1),
    "pixels": boosting("pixels", tv=0.1, blur=1.0),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_a_picture_of_a_few_pixels_is_made(session: Session, form: str, size: tuple[int, int]) -> None:
    made = FORMS[form](session, np.maximum(scene(*size), 9))
    for result in made if isinstance(made, list) else [made]:
        assert result.record.stopped == "done"
        assert {"before", "after"} <= result.record.score.keys()
        assert None not in result.record.score.values()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_a_few_pixels_is_looked_at(session: Session, size: tuple[int, int]) -> None:
    tiny = scene(*size)
    assert len(session.classify(tiny)) == 3
    assert all(np.isfinite(maps).all() for maps in session.feature_maps(tiny, layer="third").values())
