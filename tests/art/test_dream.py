from __future__ import annotations

import numpy as np
import pytest
import torch

from dreamcli.art.artwork import Artwork, Inputs, OnStep, Step
from dreamcli.art.dream import dream
from dreamcli.art.pixels import scaled_size, to_tensor
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import high_frequency_share
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture, resized
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network, load_all
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References
from tests.conftest import scene

QUICK: dict[str, object] = {"steps": 3, "octaves": 2, "octave_scale": 1.3, "jitter": 4}


@pytest.fixture(autouse=True, params=["pixels", "pyramid"])
def parameterization(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here is about both."""
    monkeypatch.setitem(QUICK, "parameterization", request.param)
    return str(request.param)


def settings(*specs: str, **others) -> DreamSettings:
    layers = tuple(LayerSpec.parse(spec) for spec in specs or ("mid",))
    return DreamSettings(**({"layers": layers} | QUICK | others))


def make(
    settings: DreamSettings,
    network: Network,
    pixels: np.ndarray | None,
    compute: Compute,
    on_step: OnStep | None = None,
    **references: Picture,
) -> Artwork:
    start = None if pixels is None else Picture(pixels)
    (artwork,) = dream(settings, Ensemble.of(network), Inputs(start, References(**references)), compute, on_step)
    return artwork


@pytest.mark.parametrize(
    "specs",
    [("low",), ("mid",), ("high",), ("mid:7",), ("fire4:ACTIVE@2,3",), ("low*0.5", "high:3*2"), ("mid", "low*-1")],
)
def test_the_objective_rises_and_minimize_makes_it_fall(
    network: Network, compute: Compute, specs: tuple[str, ...]
) -> None:
    muted = scene(96, 128) // 2 + 64  # no pure colors, which leave no room to climb
    with torch.no_grad():
        seen = Activations(network.module, ["fire4"], network.input_format, compute)(to_tensor(muted, compute.device))
    active = int(seen["fire4"][0, :, 2, 3].argmax())  # a neuron that is silent has no gradient
    specs = tuple(spec.replace("ACTIVE", str(active)) for spec in specs)
    up = make(settings(*specs), network, muted, compute).score
    down = make(settings(*specs, minimize=True), network, muted, compute).score
    assert up["after"] > up["before"]
    # when minimizing, the negative is climbed
    assert down["before"] == pytest.approx(-up["before"], abs=1e-4)
    assert down["after"] > down["before"]


@pytest.mark.parametrize(
    ("shape", "size", "wanted"),
    [
        ((60, 80), None, (60, 80)),
        ((60, 80), 40, (30, 40)),
        ((60, 80), 120, (90, 120)),
        ((1, 1), None, (1, 1)),
        ((3, 700), None, (3, 700)),
        ((61, 37), 45, (45, 27)),
    ],
)
def test_the_result_has_exactly_the_promised_size(
    network: Network, compute: Compute, shape: tuple[int, int], size: int | None, wanted: tuple[int, int]
) -> None:
    made = make(settings(size=size), network, scene(*shape), compute)
    assert made.pixels.shape == (*wanted, 3)
    assert made.pixels.dtype == np.uint8
    assert scaled_size(*shape, size) == wanted


def test_the_same_seed_gives_the_same_picture(network: Network, compute: Compute) -> None:
    def seeded(seed: int) -> np.ndarray:
        return make(settings(seed=seed), network, scene(), compute).pixels

    np.testing.assert_array_equal(seeded(1), seeded(1))
    assert (seeded(1) != seeded(2)).any()


def test_strength_orders_the_change_and_zero_changes_nothing(network: Network, compute: Compute) -> None:
    changes = []
    for strength in (0, 0.1, 0.4, 1):
        made = make(settings(strength=strength, color=1.0), network, scene(), compute).pixels
        changes.append(np.abs(made.astype(int) - scene()).mean())
    assert changes == sorted(changes)
    assert changes[0] == 0
    assert changes[3] > 3 * changes[1]


def test_color_zero_keeps_the_colors(network: Network, compute: Compute) -> None:
    def chroma_change(color: float) -> float:
        grey = np.full((64, 64, 3), 128, np.uint8) + np.random.default_rng(0).integers(-9, 9, (64, 64, 1), np.int16)
        made = make(settings(color=color), network, grey.astype(np.uint8), compute).pixels.astype(int)
        return float(np.ptp(made, axis=2).mean())

    assert chroma_change(0) <= 2
    assert chroma_change(0.2) < chroma_change(1)


def test_every_step_is_reported(network: Network, compute: Compute) -> None:
    seen: list[Step] = []
    make(settings(steps=3, octaves=2, octave_scale=1.1), network, scene(80, 90), compute, seen.append)
    assert [(s.octave, s.step) for s in seen] == [(o, s) for o in (1, 2) for s in (1, 2, 3)]
    shares = [s.share for s in seen]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_an_interrupted_dream_has_its_progress_at_full_size(network: Network, compute: Compute) -> None:
    def interrupt(step: Step) -> None:
        if step.step == 2:
            raise KeyboardInterrupt

    made = make(settings(steps=9, octaves=2, octave_scale=1.1), network, scene(80, 90), compute, interrupt)
    assert made.stopped == "interrupted"
    assert made.pixels.shape == (80, 90, 3)
    assert (made.pixels != scene(80, 90)).any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mif", "dreamnet has no layer 'mif'; did you mean mid"),
        ("mid:384", "layer fire6 of dreamnet has channels 0 to 383; there is no 384"),
        ("mid:3@99,0", "has 7 rows and 10 columns for a picture of this size; there is no neuron at @99,0"),
        ("flatten:3@0,0", "no rows and columns: leave out the @Y,X"),
    ],
)
def test_an_unknown_layer_channel_or_neuron_is_explained(
    network: Network, compute: Compute, spec: str, message: str
) -> None:
    with pytest.raises(WrongRequest, match=message):
        make(settings(spec), network, scene(), compute)


def test_a_dream_on_noise_has_the_size_of_the_settings(network: Network, compute: Compute) -> None:
    one, same, other = (make(settings(size=70, seed=seed), network, None, compute).pixels for seed in (1, 1, 2))
    assert one.shape == (70, 70, 3)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_only_the_bright_part_of_a_mask_changes(network: Network, compute: Compute) -> None:
    mask, photo = np.zeros((60, 80, 3), np.uint8), scene() // 2 + 64
    mask[:, :40] = 255
    made = make(settings(), network, photo, compute, mask=Picture(mask)).pixels
    change = np.abs(made.astype(int) - photo).mean((0, 2))
    whole = np.abs(make(settings(), network, photo, compute).pixels.astype(int) - photo).mean((0, 2))
    assert change[46:].max() <= 1  # rounding
    # steps aren't longer because less of the picture may change
    assert change[:34].mean() == pytest.approx(whole[:34].mean(), rel=0.3)


def test_a_guide_is_climbed_towards(network: Network, compute: Compute) -> None:
    gray = np.full((60, 80, 3), 128, np.uint8)
    guided = make(settings(steps=8), network, gray, compute, guide=Picture(scene(64, 64)[::-1].copy()))
    assert guided.score["after"] > 1.3 * guided.score["before"]
    assert (guided.pixels != make(settings(steps=8), network, gray, compute).pixels).any()


def test_a_pyramid_is_calmer_and_keeps_the_light(network: Network, compute: Compute) -> None:
    photo = scene(96, 128)
    shares, likeness = {}, {}
    for kind in ("pixels", "pyramid"):
        made = make(settings("high", parameterization=kind, steps=6), network, photo, compute).pixels
        shares[kind] = high_frequency_share(to_tensor(made, torch.device("cpu")))
        small = [resized(each, (8, 6)).mean(2).ravel() for each in (photo, made)]
        likeness[kind] = np.corrcoef(*small)[0, 1]
    assert shares["pyramid"] < 0.7 * shares["pixels"]
    assert likeness["pyramid"] > 0.92


def period_peaks(image: np.ndarray, stride: int) -> float:
    """The mean energy at a period of so many pixels, in four directions, over that of its neighborhood."""
    brightness = torch.tensor(image).float().mean(2)
    energy = torch.fft.fft2(brightness - brightness.mean()).abs().square()
    height, width = energy.shape
    inner = torch.zeros(13, 13, dtype=torch.bool)
    inner[5:8, 5:8] = True
    at, around = 0.0, 0.0
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        rows = (torch.arange(-6, 7) + down * height // stride) % height
        columns = (torch.arange(-6, 7) + right * width // stride) % width
        part = energy[rows][:, columns]
        at, around = at + float(part[inner].mean()), around + float(part[~inner].mean())
    return at / around


def test_nothing_repeats_with_the_strides_of_the_networks(compute: Compute, parameterization: str) -> None:
    if parameterization == "pixels":
        pytest.skip("pixels show such lattices")
    gray = Picture(np.full((384, 512, 3), 128, np.uint8))
    (artwork,) = dream(DreamSettings(), load_all(DreamSettings.model), Inputs(gray), compute)
    assert all(period_peaks(artwork.pixels, stride) <= 2 for stride in (8, 16, 32))


def test_networks_mean_the_layers_of_their_time() -> None:
    ensemble = load_all("efficientnet_lite0")
    assert [layer.name for layer in ensemble.find(LayerSpec("high"))] == ["block14"]
    assert [layer.name for layer in ensemble.of_recipe(2).find(LayerSpec("high"))] == ["block10"]
    assert [layer.name for layer in ensemble.of_recipe(2).find(LayerSpec("mid"))] == ["block8"]


def test_a_pyramid_keeps_the_light(network: Network, compute: Compute, parameterization: str) -> None:
    if parameterization == "pixels":
        pytest.skip("pixels don't")
    half = scene(96, 128)
    half[:, 64:] //= 8  # a night
    made = make(settings("mid", octaves=None, steps=16, strength=0.8), network, half, compute).pixels
    assert made[:, 64:].mean() == pytest.approx(half[:, 64:].mean(), abs=16)
