from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.art.features import RAMP, TILE, colored, feature_maps, show_features
from dreamcli.art.sheet import heading
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.features import COLORMAPS, FeatureSettings
from dreamcli.settings.layer_spec import LayerSpec
from tests.conftest import scene

PHOTO = scene(96, 128)
TO_LAB = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def shown(network: Network, compute: Compute, *specs: str, **settings) -> Artwork:
    layers = tuple(LayerSpec.parse(spec) for spec in specs)
    chosen = FeatureSettings(**{"layers": layers, "top": 3} | settings)
    (artwork,) = show_features(chosen, Ensemble.of(network), Inputs(Picture(PHOTO)), compute)
    return artwork


def test_maps_are_the_layers_activations(network: Network, compute: Compute) -> None:
    settings = FeatureSettings(layers=(LayerSpec("mid", 3), LayerSpec("fire2"), LayerSpec("fire6")), size=64)
    maps = feature_maps(settings, Ensemble.of(network), PHOTO, compute)
    assert list(maps) == ["fire6", "fire2"]
    assert maps["fire2"].shape[0] == 128
    assert maps["fire2"].dtype == np.float32
    whole = feature_maps(FeatureSettings(layers=(LayerSpec("fire2"),)), Ensemble.of(network), PHOTO, compute)["fire2"]
    assert whole.shape[2] > maps["fire2"].shape[2]


def test_a_sheet_comes_with_the_maps_behind_it(network: Network, compute: Compute) -> None:
    artwork = shown(network, compute, "low", "high")
    assert list(artwork.maps) == ["fire4", "fire9"]
    assert (artwork.score, artwork.stopped) == ({}, "done")


def test_layers_are_shown_from_first_to_last(network: Network, compute: Compute) -> None:
    one, other = (shown(network, compute, *specs).pixels for specs in (("high", "low"), ("low", "high")))
    np.testing.assert_array_equal(one, other)
    low = shown(network, compute, "low").pixels
    np.testing.assert_array_equal(one[: len(low), : low.shape[1]], low)


def test_the_most_active_channels_come_first(network: Network, compute: Compute) -> None:
    maps = shown(network, compute, "mid").maps["fire6"]
    order = np.argsort(-maps.mean((1, 2)), kind="stable")
    best = shown(network, compute, "mid", top=1).pixels
    np.testing.assert_array_equal(best, shown(network, compute, "mid", channels=(int(order[0]),)).pixels)
    assert shown(network, compute, "fire2", top=0).pixels.shape[0] > 128 / 8 * 80  # all of them, 8 in a row


def test_a_spec_with_a_channel_shows_that_channel_alone(network: Network, compute: Compute) -> None:
    # the captions differ: an alias stands for the whole layer
    one = shown(network, compute, "fire6:7", channels=(1, 2)).pixels
    np.testing.assert_array_equal(one, shown(network, compute, "fire6", channels=(7,)).pixels)


def test_maps_of_a_layer_may_share_one_range(network: Network, compute: Compute) -> None:
    each, layer = (shown(network, compute, "low", scale=scale, colormap="grey").pixels for scale in ("each", "layer"))
    tiles = [pixels[-80:-10, 10 : 3 * TILE] for pixels in (each, layer)]
    assert tiles[0].max() == 255
    assert tiles[1].mean() < tiles[0].mean()


def test_an_overlay_shows_the_photograph_under_the_map(network: Network, compute: Compute) -> None:
    plain, overlaid = (
        shown(network, compute, "low", overlay=overlay, top=1, colormap="grey").pixels for overlay in (False, True)
    )
    assert plain.shape == overlaid.shape
    assert (plain != overlaid).any()


@pytest.mark.parametrize(
    ("specs", "settings", "message"),
    [
        (["mif"], {}, "did you mean mid"),
        (["mid:384"], {}, "layer fire6 of dreamnet has channels 0 to 383; there is no 384"),
        (["low", "mid"], {"channels": (3, 300)}, "layer fire4 has channels 0 to 255; there is no 300"),
        (["flatten"], {}, "layer flatten of dreamnet has no rows and columns, so it has no map"),
    ],
)
def test_a_map_that_does_not_exist_is_refused(
    network: Network, compute: Compute, specs: list[str], settings: dict, message: str
) -> None:
    with pytest.raises(WrongRequest, match=message):
        shown(network, compute, *specs, **settings)


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_colors_run_from_dark_to_bright(colormap: str) -> None:
    colors = colored(np.linspace(0, 1, 9).reshape(3, 3), colormap)
    assert (colors.shape, colors.dtype) == ((3, 3, 3), np.uint8)
    ramp = list(colors.astype(int).sum(2).ravel())
    assert ramp == sorted(ramp)
    assert ramp[0] < 160 < 500 < ramp[-1]


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_equal_steps_look_equal(colormap: str) -> None:
    levels = colored(np.linspace(0, 1, 9), colormap)
    lightness = ImageCms.applyTransform(Image.fromarray(levels[None]), TO_LAB).split()[0]
    steps = np.diff(np.asarray(lightness, float)[0])
    assert steps.min() > 0.5 * steps.mean()
    assert steps.max() < 1.6 * steps.mean()


def test_a_layer_has_a_heading_with_its_shape_field_and_color_bar(network: Network, compute: Compute) -> None:
    for scale in ("each", "layer"):
        artwork = shown(network, compute, "mid", scale=scale)
        found = artwork.maps["fire6"]
        shared = (f"{found.min():.3g}", f"{found.max():.3g}")
        ends = shared if scale == "layer" else ("lowest", "highest of each map")
        text = f"mid = fire6: 384 maps of {found.shape[2]}x{found.shape[1]}, each value from 76x76 pixels"
        wanted = heading(text, colored(RAMP, "viridis"), ends)
        rows = [row for row in range(len(artwork.pixels) - len(wanted))
                if np.array_equal(artwork.pixels[row : row + len(wanted), : wanted.shape[1]], wanted)]  # fmt: skip
        assert len(rows) == 1


def test_headings_can_be_left_out(network: Network, compute: Compute) -> None:
    plain, whole = (shown(network, compute, "mid", headings=headings).pixels for headings in (False, True))
    np.testing.assert_array_equal(whole[-len(plain) :, : plain.shape[1]], plain)
    assert len(whole) > len(plain) + TILE / 2  # the input
