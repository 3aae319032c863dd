from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dreamcli.art.artwork import Artwork, Inputs, Memo
from dreamcli.art.distributions import distributions_of
from dreamcli.art.pixels import to_tensor
from dreamcli.art.visualization import visualize_class
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Distributions
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.references import References
from dreamcli.settings.visualization import ClassSettings
from tests.conftest import scene


def drawn(network: Network, compute: Compute, like: tuple[Picture, ...], **settings) -> Artwork:
    chosen = ClassSettings(**{"classes": (1,), "size": 64, "steps": 8, "octaves": 1} | settings)
    inputs = Inputs(references=References(like=like))
    return visualize_class(chosen, Ensemble.of(network), inputs, compute)[0]


@pytest.mark.parametrize("settings", [{}, {"minimize": True}])
def test_a_class_is_drawn_like_photographs(network: Network, compute: Compute, settings: dict[str, object]) -> None:
    like = (Picture(scene(90, 120)), Picture(scene(120, 80)[::-1].copy()))
    found = distributions_of(like, Ensemble.of(network), compute, Memo())
    distance = Distributions({layer.key: values for layer, values in found.items()})

    def away(artwork: Artwork) -> float:
        image = to_tensor(artwork.pixels, torch.device("cpu"))
        return float(distance(network.activations([layer.name for layer in found], compute)(image), image))

    plain = drawn(network, compute, (), **settings)
    assert away(drawn(network, compute, like, **settings)) < 0.8 * away(plain)
    unmatched = drawn(network, compute, like, likeness=0.0, **settings)
    np.testing.assert_array_equal(unmatched.pixels, plain.pixels)


def test_it_repeats(network: Network, compute: Compute) -> None:
    like = (Picture(scene(90, 120)),)
    first, second = (drawn(network, compute, like) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_a_strip_is_refused(network: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="a photograph to resemble is too narrow"):
        drawn(network, compute, (Picture(np.zeros((4, 200, 3), np.uint8)),))


def test_what_is_remembered_of_photographs_is_of_these(network: Network, compute: Compute) -> None:
    one, other = Picture(scene(90, 120), sha256="ab"), Picture(scene(120, 80)[::-1].copy(), sha256="cd")
    memo = Memo()
    first, again, second = (
        distributions_of(like, Ensemble.of(network), compute, memo) for like in ((one,), (one,), (other,))
    )
    assert first is again
    layer = next(iter(first))
    assert not torch.equal(first[layer][0], second[layer][0])
    nameless = (replace(one, sha256=""),)
    assert distributions_of(nameless, Ensemble.of(network), compute, memo) is not first
