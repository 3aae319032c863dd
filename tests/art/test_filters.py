from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dreamcli.art.artwork import Inputs
from dreamcli.art.filters import KERNEL_WEIGHTS, convolved, show_filters
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.filters import KERNELS, FilterSettings
from dreamcli.settings.layer_spec import LayerSpec
from tests.conftest import scene

CPU = torch.device("cpu")


def shown(network: Network, compute: Compute, *layers: str, **settings) -> np.ndarray:
    chosen = FilterSettings(layers=tuple(LayerSpec(layer) for layer in layers), **settings)
    (artwork,) = show_filters(chosen, Ensemble.of(network), Inputs(), compute)
    return artwork.pixels


def test_every_kernel_that_may_be_chosen_has_weights() -> None:
    assert tuple(KERNEL_WEIGHTS) == KERNELS
    sums = {name: np.array(weights).sum() for name, (weights, _) in KERNEL_WEIGHTS.items()}
    assert sums == pytest.approx(dict.fromkeys(KERNELS, 1) | {"edge": 0, "emboss": 0})


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_flat_picture_becomes_flat(kernel: str) -> None:
    made = convolved(Picture(np.full((20, 30, 3), 90, np.uint8)), kernel, None, CPU)
    assert made.shape == (20, 30, 3)
    assert int(made.min()) == int(made.max())
    assert int(made.min()) == pytest.approx({"edge": 0, "emboss": 127.5}.get(kernel, 90), abs=0.5)


def test_a_kernel_is_applied_to_each_color() -> None:
    pixels = np.full((9, 9, 3), 50, np.uint8)
    pixels[4, 4, 1] = 230
    made = convolved(Picture(pixels), "box", None, CPU)
    assert made[4, 4].tolist() == [50, 70, 50]
    assert made[0, 0].tolist() == [50, 50, 50]
    assert made[3, 5].tolist() == [50, 70, 50]


def test_the_identity_changes_nothing_but_the_size() -> None:
    np.testing.assert_array_equal(convolved(Picture(scene()), "identity", None, CPU), scene())
    assert convolved(Picture(scene()), "identity", 40, CPU).shape == (30, 40, 3)


def test_a_kernel_is_applied_to_the_start(network: Network, compute: Compute) -> None:
    settings = FilterSettings(apply="edge", size=40)
    (artwork,) = show_filters(settings, Ensemble.of(network), Inputs(Picture(scene())), compute)
    np.testing.assert_array_equal(artwork.pixels, convolved(Picture(scene()), "edge", 40, CPU))


def test_all_kernels_are_shown_with_their_weights(network: Network, compute: Compute) -> None:
    settings = FilterSettings(apply="all", size=80)
    (artwork,) = show_filters(settings, Ensemble.of(network), Inputs(Picture(scene())), compute)
    for kernel, (weights, _) in KERNEL_WEIGHTS.items():
        result = convolved(Picture(scene()), kernel, 80, CPU)
        assert contains(artwork.pixels, result), kernel
        assert len(weights) in (3, 5)


def contains(sheet: np.ndarray, part: np.ndarray) -> bool:
    windows = np.argwhere((sheet == part[0, 0]).all(2))
    rows, columns = part.shape[:2]
    return any(np.array_equal(sheet[row : row + rows, column : column + columns], part) for row, column in windows)


def test_the_first_convolution_is_shown_in_color(network: Network, compute: Compute) -> None:
    first = shown(network, compute)
    np.testing.assert_array_equal(first, shown(network, compute, "stem"))
    np.testing.assert_array_equal(first, shown(network, compute, "stem.conv"))
    assert np.ptp(first[20:80, 10:70].astype(int), axis=2).max() > 40
    deep = shown(network, compute, "fire6", top=4)
    assert np.ptp(deep.astype(int), axis=2).max() == 0
    assert np.ptp(shown(network, compute, "fire6", top=4, colormap="viridis").astype(int), axis=2).max() > 0


def test_top_limits_the_filters_and_their_channels(network: Network, compute: Compute) -> None:
    few, more = (shown(network, compute, "fire6", top=top).shape for top in (2, 80))
    assert few[0] < more[0]
    assert few[1] < more[1]
    everything = shown(network, compute, "stem", top=0)
    assert everything.shape[0] > shown(network, compute, "stem", top=8).shape[0]


def test_headings_can_be_left_out(network: Network, compute: Compute) -> None:
    plain, whole = (shown(network, compute, "stem", top=8, headings=headings) for headings in (False, True))
    np.testing.assert_array_equal(whole[-len(plain) :, : plain.shape[1]], plain)
    assert len(whole) > len(plain)


def test_layers_are_stacked_in_the_order_given(network: Network, compute: Compute) -> None:
    both, stem, fire = (
        shown(network, compute, *layers, top=4) for layers in (("stem", "fire6"), ("stem",), ("fire6",))
    )
    assert len(both) == len(stem) + len(fire)
    np.testing.assert_array_equal(both[: len(stem), : stem.shape[1]], stem)
    np.testing.assert_array_equal(both[len(stem) :, : fire.shape[1]], fire)


def test_a_layer_without_convolutions_is_refused(network: Network, compute: Compute) -> None:
    message = "pool1 isn't a convolution and contains none; the convolutions include stem.conv"
    with pytest.raises(WrongRequest, match=message):
        shown(network, compute, "pool1")
    with pytest.raises(WrongRequest, match="did you mean mid"):
        shown(network, compute, "mif")


def test_a_network_without_convolutions_has_no_filters(compute: Compute) -> None:
    flat = zoo.wrap(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 5)))
    with pytest.raises(WrongRequest, match="Sequential has no convolution"):
        shown(flat, compute)
