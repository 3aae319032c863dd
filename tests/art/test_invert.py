"""Inversion, and caricature, which only climbs another objective."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.forms import recipe, settings_classes
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.layer_spec import LayerSpec
from tests.conftest import scene

FORMS = settings_classes()

PHOTO = scene(64, 80)
BOTH = pytest.mark.parametrize("form", ["invert", "caricature"])


def redraw(form: str, network: Network, compute: Compute, layer: str = "low", **settings: object) -> Artwork:
    values = {"layers": (LayerSpec(layer),), "steps": 12, "octaves": 1, **settings}
    (made,) = recipe(form)(FORMS[form](**values), Ensemble.of(network), Inputs(Picture(PHOTO)), compute, None)
    return made


@BOTH
def test_it_climbs_and_the_size_is_exact(form: str, network: Network, compute: Compute) -> None:
    made = redraw(form, network, compute)
    assert made.score["after"] > made.score["before"]
    assert made.pixels.shape == PHOTO.shape
    assert redraw(form, network, compute, size=50).pixels.shape == (40, 50, 3)


@BOTH
def test_the_same_seed_gives_the_same_bytes_and_another_another(form: str, network: Network, compute: Compute) -> None:
    once, again, other = (redraw(form, network, compute, steps=3, seed=seed).pixels for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


@BOTH
def test_a_channel_is_refused(form: str) -> None:
    with pytest.raises(WrongRequest, match="whole layers"):
        FORMS[form](layers=(LayerSpec("mid", 7),))


def test_the_first_layers_remember_the_photograph(network: Network, compute: Compute) -> None:
    """Coarsely, that is: an average over blocks is like the photograph's, and its mirror image's is not."""

    def coarse(pixels: np.ndarray) -> torch.Tensor:
        return resize(torch.tensor(pixels.copy()).permute(2, 0, 1)[None].float(), (8, 10)).mean(1).flatten()

    made = redraw("invert", network, compute, "stem", steps=80)
    like, unlike = (
        float(torch.corrcoef(torch.stack([coarse(made.pixels), coarse(other)]))[0, 1])
        for other in (PHOTO, PHOTO[:, ::-1])
    )
    assert like > 0.8
    assert like > unlike + 0.2


def test_a_caricature_has_more_of_what_the_layer_sees(network: Network, compute: Compute) -> None:
    """1 would mean as much as in the photograph."""
    made = redraw("caricature", network, compute, "high", steps=120, strength=1.0)
    assert made.score["after"] > 1
