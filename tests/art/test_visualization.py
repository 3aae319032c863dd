from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dreamcli.art import visualization
from dreamcli.art.artwork import Artwork, Inputs, NotFinite, Step
from dreamcli.art.distributions import batch_norm_statistics
from dreamcli.art.score import probability, top
from dreamcli.art.visualization import boost, visualize_class
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from tests.conftest import scene

GOLDFISH, JELLYFISH = 1, 107


def drawn(network: Network, compute: Compute, inputs: Inputs | None = None, **settings) -> list[Artwork]:
    chosen = ClassSettings(**{"classes": (GOLDFISH,), "size": 64, "steps": 6, "octaves": 1} | settings)
    return visualize_class(chosen, Ensemble.of(network), inputs or Inputs(), compute)


def boosted(network: Network, compute: Compute, *specs: str, inputs: Inputs | None = None, **settings) -> list[Artwork]:
    layers = tuple(LayerSpec.parse(spec) for spec in specs)
    chosen = BoostSettings(layers=layers, **{"size": 64, "steps": 6, "octaves": 1} | settings)
    return boost(chosen, Ensemble.of(network), inputs or Inputs(), compute)


@pytest.mark.parametrize("parameterization", ["pyramid", "fourier", "phase", "pixels"])
def test_the_score_rises_and_minimize_makes_it_fall(network: Network, compute: Compute, parameterization: str) -> None:
    (up,) = drawn(network, compute, parameterization=parameterization, steps=12)
    assert up.score["after"] > up.score["before"] + 1
    assert up.pixels.shape == (64, 64, 3)
    start = Inputs(Picture(up.pixels))
    (down,) = drawn(network, compute, start, parameterization=parameterization, minimize=True)
    assert down.score["after"] > down.score["before"]


def test_the_network_sees_the_class_that_was_drawn(network: Network, compute: Compute) -> None:
    (fish,) = drawn(network, compute, size=112, steps=40)
    assert top(network, fish.pixels)[0][0] == "goldfish"


def test_a_mixture_raises_both_classes(network: Network, compute: Compute) -> None:
    (mixed,) = drawn(network, compute, classes=(GOLDFISH, JELLYFISH), size=112, steps=40)
    (one,) = drawn(network, compute, size=112, steps=40)
    both = ("goldfish", "jellyfish")
    assert probability(network, mixed.pixels, both) > probability(network, one.pixels, both)


@pytest.mark.parametrize(
    "settings",
    [
        {"tv": 10.0},
        {"l2": 10.0},
        {"prior": 1.0},
        {"noise": 0.1},
        {"crop": 1.0},
        {"mirror": False},
        {"turn": 0.0, "zoom": 0.0},
        {"jitter": 0},
        {"color": 0.2},
        {"octaves": 3, "octave_scale": 1.2, "size": 96},
        {"seed": 3},
        {"strength": 0.1},
        {"parameterization": "pixels", "blur": 2.0},
    ],
    ids=str,
)
def test_every_setting_changes_the_picture(network: Network, compute: Compute, settings: dict[str, object]) -> None:
    base = {name: settings[name] for name in ("parameterization", "size") if name in settings}
    (with_it,) = drawn(network, compute, **settings)
    (without,) = drawn(network, compute, **base)
    assert (with_it.pixels != without.pixels).any()
    assert with_it.score["after"] > with_it.score["before"]


@pytest.mark.parametrize(("settings", "less"), [({"tv": 300.0}, "variation"), ({"l2": 300.0}, "contrast")])
def test_penalties_reduce_what_they_measure(
    network: Network, compute: Compute, settings: dict[str, float], less: str
) -> None:
    def measured(pixels: np.ndarray) -> float:
        values = pixels.astype(float)
        return np.abs(np.diff(values, axis=0)).mean() if less == "variation" else np.square(values - 127.5).mean()

    (with_it,), (without,) = drawn(network, compute, steps=15, **settings), drawn(network, compute, steps=15)
    assert measured(with_it.pixels) < measured(without.pixels)


def test_the_prior_needs_batch_normalization(network: Network) -> None:
    statistics = batch_norm_statistics(Ensemble.of(network), torch.device("cpu"))
    assert len(statistics) == 1 + 8 * 3
    with pytest.raises(WrongRequest, match="no batch normalization"):
        batch_norm_statistics(Ensemble.of(zoo.load("squeezenet1_1", random=True)), torch.device("cpu"))


def test_the_prior_ignores_heads_that_only_training_needs() -> None:
    googlenet = zoo.load("googlenet", random=True)
    found = batch_norm_statistics(Ensemble.of(googlenet), torch.device("cpu"))
    assert not any(layer.name.startswith("aux") for layer in found)


@pytest.mark.parametrize(
    "specs", [("low",), ("mid:7",), ("high:3*2", "high:8*-0.5"), ("fire4:5@2,3",), ("flatten:107",)], ids=str
)
def test_layers_channels_and_neurons_are_boosted(network: Network, compute: Compute, specs: tuple[str, ...]) -> None:
    (made,) = boosted(network, compute, *specs)
    assert made.score["after"] > made.score["before"]
    (again,) = boosted(network, compute, *specs)
    np.testing.assert_array_equal(made.pixels, again.pixels)


def test_a_photograph_changes_where_the_mask_is_bright(network: Network, compute: Compute) -> None:
    mask = np.zeros((60, 80, 3), np.uint8)
    mask[:, :40] = 255
    photo = scene() // 2 + 64
    masked = Inputs(Picture(photo), References(mask=Picture(mask)))
    for made in (
        boosted(network, compute, "mid", inputs=masked, size=None)[0],
        drawn(network, compute, masked, size=None)[0],
    ):
        change = np.abs(made.pixels.astype(int) - photo).mean((0, 2))
        assert change[:34].mean() > 2
        assert change[40:].max() <= 1  # rounding
        assert change[36:40].mean() > 2


def test_a_guide_is_climbed_towards(network: Network, compute: Compute) -> None:
    guide = scene(64, 64)[::-1].copy()
    (made,) = boosted(network, compute, "mid", inputs=Inputs(references=References(guide=Picture(guide))), steps=12)
    assert made.score["after"] > made.score["before"]
    (other,) = boosted(network, compute, "mid", steps=12)
    assert (made.pixels != other.pixels).any()


def test_variations_differ_and_diversity_drives_them_apart(network: Network, compute: Compute) -> None:
    def unlike(diversity: float) -> tuple[list[Artwork], float]:
        made = drawn(network, compute, count=3, diversity=diversity, steps=20)
        assert len(made) == 3
        one, other = (a.pixels.astype(float) for a in made[:2])
        return made, float(np.abs(one - other).mean())

    made, plain = unlike(0.0)
    assert plain > 1
    driven, _ = unlike(200.0)
    assert any((a.pixels != b.pixels).any() for a, b in zip(made, driven, strict=True))


def test_a_sheet_has_a_tile_for_each_class(network: Network, compute: Compute) -> None:
    (sheet,) = drawn(network, compute, classes=(GOLDFISH, JELLYFISH, 5), sheet=True, steps=2)
    height, width, _ = sheet.pixels.shape
    assert width >= 2 * 64
    assert height >= 2 * 64
    (wide,) = drawn(network, compute, classes=(GOLDFISH, JELLYFISH), count=3, sheet=True, steps=2)
    assert wide.pixels.shape[1] > 3 * 64 > wide.pixels.shape[0]


def test_neurons_and_channels_share_a_sheet_but_not_their_transforms(network: Network, compute: Compute) -> None:
    (sheet,) = boosted(network, compute, "fire4:5", "fire4:5@2,3", sheet=True)
    assert sheet.pixels.shape[1] >= 2 * 64
    assert sheet.score["after"] > sheet.score["before"]
    alone = [boosted(network, compute, spec)[0].score["after"] for spec in ("fire4:5", "fire4:5@2,3")]
    assert sheet.score["after"] == pytest.approx(sum(alone) / 2, rel=1e-3)


@pytest.mark.parametrize("settings", [{}, {"count": 2}, {"best_of": 2}], ids=str)
def test_pictures_made_together_equal_those_made_alone(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch, settings: dict[str, int]
) -> None:
    def sheet() -> np.ndarray:
        classes = (GOLDFISH, JELLYFISH, 5)
        return drawn(network, compute, classes=classes, sheet=True, steps=3, **settings)[0].pixels.astype(int)

    together = sheet()
    monkeypatch.setattr(visualization, "PIXELS_AT_ONCE", 1)
    assert abs(together - sheet()).max() <= 1


class Judge:
    """A judge that likes bright pictures."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, _network: object, pixels: np.ndarray, _classes: object) -> float:
        self.asked.append(float(pixels.mean()))
        return self.asked[-1]


def test_the_best_attempt_is_kept(network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge()
    monkeypatch.setattr(visualization, "probability", judge)
    (best,) = drawn(network, compute, Inputs(judge=network), best_of=3)
    assert len(set(judge.asked)) == 3
    assert best.pixels.mean() == max(judge.asked)
    (unjudged,) = drawn(network, compute, best_of=3)
    (first,) = drawn(network, compute)
    assert len(judge.asked) == 3
    assert unjudged.score["after"] >= first.score["after"]


def test_progress_covers_all_classes_and_attempts(network: Network, compute: Compute) -> None:
    seen: list[Step] = []
    settings = ClassSettings(classes=(1, 2), sheet=True, best_of=2, size=40, steps=2, octaves=1)
    visualize_class(settings, Ensemble.of(network), Inputs(), compute, seen.append)
    shares = [step.share for step in seen]
    assert shares == sorted(shares)
    assert len(shares) == 4  # two steps, twice, for both classes together
    assert shares[-1] == 1


def test_an_interrupted_picture_has_its_progress_so_far(network: Network, compute: Compute) -> None:
    def interrupt(step: Step) -> None:
        if step.step == 3:
            raise KeyboardInterrupt

    settings = ClassSettings(classes=(1,), size=64, steps=6, octaves=1, parameterization="fourier")
    (made,) = visualize_class(settings, Ensemble.of(network), Inputs(), compute, interrupt)
    assert made.stopped == "interrupted"
    (three,) = visualize_class(replace(settings, steps=3), Ensemble.of(network), Inputs(), compute)
    np.testing.assert_array_equal(made.pixels, three.pixels)


def test_an_unknown_class_is_refused(network: Network, compute: Compute) -> None:
    with pytest.raises(WrongRequest, match="dreamnet has 1000 classes"):
        drawn(network, compute, classes=(1000,))


def test_a_photograph_stays_sharp_through_the_octaves(network: Network, compute: Compute) -> None:
    photo = np.zeros((128, 128, 3), np.uint8)
    photo[::2] = 200  # lines that no smaller octave can hold
    (made,) = boosted(
        network, compute, "low", inputs=Inputs(Picture(photo)), size=None, octaves=3, steps=1, strength=0.01
    )
    assert np.abs(made.pixels.astype(int) - photo).mean() < 6


def test_variations_of_a_photograph_differ(network: Network, compute: Compute) -> None:
    one, other = boosted(network, compute, "mid", inputs=Inputs(Picture(scene(64, 64))), count=2, steps=10)
    assert np.abs(one.pixels.astype(int) - other.pixels).mean() > 1


def test_an_interrupted_attempt_is_not_reported_as_done(network: Network, compute: Compute) -> None:
    steps: list[Step] = []

    def interrupt(step: Step) -> None:
        steps.append(step)
        if len(steps) == 7:  # the first step of the second attempt
            raise KeyboardInterrupt

    settings = ClassSettings(classes=(1,), size=64, steps=6, octaves=1, best_of=3)
    (made,) = visualize_class(settings, Ensemble.of(network), Inputs(), compute, interrupt)
    assert made.stopped == "interrupted"


@pytest.mark.parametrize("failing", [0, 1])
def test_an_attempt_without_finite_values_ends_the_attempts(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    climb_octaves, calls = visualization.climb_octaves, []

    def fails(*arguments: object, **options: object) -> str:
        calls.append(1)
        if len(calls) == failing + 1:
            raise NotFinite
        return climb_octaves(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(visualization, "climb_octaves", fails)
    settings = {"steps": 1, "size": 40, "best_of": 3}
    if failing:
        (made,) = drawn(network, compute, **settings)
        assert made.stopped == "non-finite"
    else:
        with pytest.raises(NotFinite):
            drawn(network, compute, **settings)
    assert len(calls) == failing + 1


@pytest.mark.parametrize("ranks", [(float("nan"), 1.0), (1.0, float("nan"))], ids=str)
def test_an_attempt_without_a_rank_is_the_worst(ranks: tuple[float, float]) -> None:
    pixels = scene()
    this, that = (Artwork(pixels, rank=rank) for rank in ranks)
    assert visualization._better(this, that).rank == 1


def test_a_judge_must_know_the_class(network: Network, compute: Compute) -> None:
    digits = zoo.load("lenet5")
    with pytest.raises(WrongRequest, match="the judge lenet5 doesn't know the class goldfish"):
        drawn(network, compute, Inputs(judge=digits), best_of=2)
    assert drawn(network, compute, Inputs(judge=digits))
