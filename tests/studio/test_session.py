from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dreamcli
from dreamcli import forms
from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError, Hint, WrongRequest
from dreamcli.files.record import read_record
from dreamcli.networks import zoo
from dreamcli.networks.network import MAX_KEPT
from dreamcli.settings.base import LATEST_RECIPE, Settings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.filters import FilterSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References, style_inputs
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from dreamcli.studio.pictures import read_image
from dreamcli.studio.session import Session
from tests.conftest import scene

QUICK = {"steps": 2, "octaves": 1}
CPU = {"device": "cpu", "precision": "float32"}
QUICKEST = {"model": "dreamnet", "judge": "none", **CPU}


class Small(nn.Module):
    """A user's network."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.second = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.head = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.second(self.first(x)).mean((2, 3)))


@pytest.fixture
def fresh() -> Iterator[Session]:
    """A session of the test's own, for tests that leave something in it."""
    with Session("dreamnet", judge="none", device="cpu", precision="float32") as session:
        yield session


@pytest.fixture
def small() -> Small:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Small()


MAKERS: dict[str, Callable[[Session], list[dreamcli.Result]]] = {
    "dream": lambda session: [session.dream(scene(), layer="low", **QUICK)],
    "boost": lambda session: session.boost(layer="mid:3", size=48, count=2, **QUICK),
    "visualize_class": lambda session: session.visualize_class("goldfish", size=48, **QUICK),
    "stylize": lambda session: [session.stylize(scene(), scene(40, 40), **QUICK)],
    "invert": lambda session: [session.invert(scene(), layer="low", **QUICK)],
    "caricature": lambda session: [session.caricature(scene(), layer="low", **QUICK)],
    "explain": lambda session: [session.explain(scene(), "goldfish", 5, steps=2)],
}
ONE_SHOTS: dict[str, Callable[[], list[dreamcli.Result]]] = {
    "dream": lambda: [dreamcli.dream(scene(), layer="low", **QUICK, **QUICKEST)],
    "boost": lambda: dreamcli.boost(layer="mid:3", size=48, count=2, **QUICK, **QUICKEST),
    "visualize_class": lambda: dreamcli.visualize_class("goldfish", size=48, **QUICK, **QUICKEST),
    "stylize": lambda: [dreamcli.stylize(scene(), scene(40, 40), **QUICK, **QUICKEST)],
    "invert": lambda: [dreamcli.invert(scene(), layer="low", **QUICK, **QUICKEST)],
    "caricature": lambda: [dreamcli.caricature(scene(), layer="low", **QUICK, **QUICKEST)],
    "explain": lambda: [dreamcli.explain(scene(), "goldfish", 5, steps=2, **QUICKEST)],
}


@pytest.mark.parametrize("form", MAKERS)
def test_a_second_picture_needs_no_loading_and_equals_the_one_shot(
    session: Session, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = ONE_SHOTS[form]()
    monkeypatch.setattr(zoo, "load", None)
    for _ in range(2):
        for result, alone in zip(MAKERS[form](session), once, strict=True):
            np.testing.assert_array_equal(result.picture.pixels, alone.picture.pixels)
            assert result.record == alone.record


@pytest.mark.parametrize("form", MAKERS)
def test_no_tensor_waits_for_the_garbage_collector(session: Session, form: str) -> None:
    MAKERS[form](session)
    gc.collect()
    gc.disable()
    try:
        MAKERS[form](session)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        waiting = [tuple(each.shape) for each in gc.garbage if isinstance(each, torch.Tensor)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert waiting == []


def test_feature_maps_classes_and_layers_come_from_the_open_network(session: Session) -> None:
    maps = session.feature_maps(scene(), layer=["low", "fire6"], size=48)
    assert list(maps) == ["fire4", "fire6"]
    np.testing.assert_array_equal(
        maps["fire6"], dreamcli.feature_maps(scene(), layer="mid", size=48, **QUICKEST)["fire6"]
    )
    classes = session.classify(scene(), 3)
    assert len(classes) == 3
    assert [share for _, share in classes] == sorted((share for _, share in classes), reverse=True)
    assert {name for name, _ in classes} <= set(session.ensemble(ClassSettings).labels)
    channels = session.classify(scene(), 2, layer="mid")
    assert all(name.startswith("fire6:") and mean > 0 for name, mean in channels)
    assert [layer.name for layer in session.layers(100)] == [layer.name for layer in dreamcli.layers("dreamnet")]
    with pytest.raises(WrongRequest, match="did you mean mid"):
        session.classify(scene(), layer="mif")


def test_a_module_in_memory_is_left_as_it_is(small: Small) -> None:
    small.second.requires_grad_(False)
    small.first.eval()
    before = copy.deepcopy(small)
    image = torch.rand(1, 3, 40, 50)
    small.eval()
    answer = small(image).detach()
    small.load_state_dict(before.state_dict())
    small.train(before.training)
    small.first.eval()
    with Session(small, labels=["ape", "bee", "cow"], **CPU) as session:
        session.dream(scene(), **QUICK)
        session.visualize_class("Bee", size=48, prior=0.5, **QUICK)
        session.stylize(scene(), scene(40, 40), **QUICK)
        session.classify(scene())
        session.feature_maps(scene(), layer="second")
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in small.modules())
    for (name, module), (_, was) in zip(small.named_modules(), before.named_modules(), strict=True):
        assert module.training == was.training, name
    for (name, parameter), (_, was) in zip(small.named_parameters(), before.named_parameters(), strict=True):
        assert parameter.requires_grad == was.requires_grad, name
        assert (parameter.device, parameter.dtype, parameter.grad) == (was.device, was.dtype, None), name
    for name, value in small.state_dict().items():
        assert torch.equal(value, before.state_dict()[name]), name
    small.eval()
    assert torch.equal(small(image), answer)


def test_a_module_in_memory_has_its_record(small: Small, tmp_path: Path) -> None:
    with Session(small, labels=["ape", "bee", "cow"], **CPU) as session:
        (result,) = session.visualize_class("bee", size=48, **QUICK)
    assert result.record.provenance.network == {"name": "Small", "sha256": zoo.wrap(small).weights_sha256}
    assert len(result.record.provenance.network["sha256"]) == 64
    assert result.record.provenance.settings["classes"] == (1,)
    assert {name for name, _ in result.record.score["top5"]} == {"ape", "bee", "cow"}
    result.save(tmp_path / "bee.png")
    assert read_record(tmp_path / "bee.png") == result.record
    with torch.no_grad():
        small.head.bias += 1
    with Session(small, **CPU) as session:
        other = session.visualize_class(1, size=48, **QUICK)[0].record.provenance.network
    assert other["sha256"] != result.record.provenance.network["sha256"]


def test_mean_and_std_are_what_the_module_expects(small: Small) -> None:
    class Normalized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = copy.deepcopy(small)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network((x - 0.25) / 0.5)

    with Session(small, mean=(0.25,) * 3, std=(0.5,) * 3, **CPU) as session:
        outside = dict(session.classify(scene()))
    with Session(Normalized(), mean=(0.0,) * 3, std=(1.0,) * 3, **CPU) as session:
        inside = dict(session.classify(scene()))
    with Session(small, **CPU) as session:
        assert dict(session.classify(scene())) != pytest.approx(outside, abs=1e-6)
    assert outside == pytest.approx(inside, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "resnet51"}, "did you mean resnet50"),
        ({"device": "gpu"}, "one of"),
        ({"mean": (0.5, 0.5, 0.5)}, "are for a module; a class has them"),
        ({"labels": ["a"]}, "are for a module; a class has them"),
        ({"judge": "resnet51"}, "did you mean resnet50"),
        ({"model": Small(), "weights": "own.pth"}, "already has its weights"),
        ({"model": Small(), "labels": ["ape"]}, "Small has 3 classes, but there are 1 labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wrong_session_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        Session(**arguments)


def test_weights_of_the_users_own(tmp_path: Path) -> None:
    torch.save(zoo.load("lenet5").module.state_dict(), tmp_path / "own.pth")
    with Session("lenet5", weights=str(tmp_path / "own.pth"), **CPU) as session:
        assert session.ensemble(ClassSettings).labels[3] == "3"
        made = session.visualize_class(3, **QUICK)[0]
    assert made.record.provenance.network["name"] == "lenet5"


def test_a_named_judge_says_what_it_sees() -> None:
    with Session(judge="lenet5", **CPU) as session:
        record = session.dream(scene(), **QUICK).record
    seen = record.score["seen_by"]
    assert (seen["network"], len(seen["top5"])) == ("lenet5", 5)
    assert {name for name, _ in seen["top5"]} <= set("0123456789")


def test_remembered_styles_do_not_outlive_their_layers() -> None:
    def painted(session: Session, layer: str) -> np.ndarray:
        return session.stylize(scene(), scene(40, 40), layer=layer, steps=4, octaves=1).picture.pixels

    with Session(**QUICKEST) as both:
        one, other = painted(both, "fire2"), painted(both, "fire6")
    for layer, made in (("fire2", one), ("fire6", other)):
        with Session(**QUICKEST) as fresh:
            np.testing.assert_array_equal(painted(fresh, layer), made)
    assert (one != other).any()


def test_a_closed_session_lets_go_of_its_network(small: Small) -> None:
    with Session(small, judge="lenet5", **CPU) as session:
        session.stylize(scene(), scene(40, 40), **QUICK)
        network, judge = (
            weakref.ref(network.module)
            for network in (session.ensemble(StyleSettings).only, session.witness(StyleSettings()))
            if network
        )
    gc.collect()
    assert network() is None
    assert judge() is None
    session.close()  # a second time does no harm
    with pytest.raises(WrongRequest, match="the session is closed"):
        session.dream(size=32, steps=1)


@pytest.mark.parametrize(
    ("settings", "guided", "message"),
    [
        (DreamSettings(layers=(LayerSpec("mif"),)), False, "dreamnet has no layer 'mif'; did you mean mid"),
        (BoostSettings(layers=(LayerSpec("mid", 384),)), False, "has channels 0 to 383; there is no 384"),
        (FeatureSettings(layers=(LayerSpec("fire99"),)), False, "dreamnet has no layer 'fire99'"),
        (FilterSettings(layers=(LayerSpec("fire99"),)), False, "dreamnet has no layer 'fire99'"),
        (StyleSettings(layers=(LayerSpec("fire99"),)), False, "dreamnet has no layer 'fire99'"),
        (StyleSettings(content="fire99"), False, "dreamnet has no layer 'fire99'"),
        (DreamSettings(layers=(LayerSpec("mid", 3),)), True, "a guide works on whole layers"),
        (BoostSettings(layers=(LayerSpec("low"), LayerSpec("mid", 3))), True, "a guide works on whole layers"),
    ],
    ids=lambda value: value.command if isinstance(value, Settings) else "",
)
def test_layers_are_checked_before_any_work(session: Session, settings: Settings, guided: bool, message: str) -> None:
    references = References(guide=read_image(scene()) if guided else None)
    with pytest.raises(WrongRequest, match=message):
        session.check(settings, references)


def test_a_wrong_layer_costs_no_pass_through_the_network(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "recipe", None)
    with pytest.raises(WrongRequest, match="did you mean mid"):
        session.dream(scene(), layer="mif")
    with pytest.raises(WrongRequest, match="not of the form"):
        session.dream(scene(), layer="mid:")
    with pytest.raises(WrongRequest, match="a guide works on whole layers"):
        session.dream(scene(), layer="mid:3", guide=scene())


@pytest.mark.parametrize(
    ("settings", "shape", "size"),
    [
        (DreamSettings(steps=1, octaves=1), None, (512, 512)),
        (DreamSettings(steps=1, octaves=1, size=33), None, (33, 33)),
        (DreamSettings(steps=1, octaves=1), (60, 80), (60, 80)),
        (DreamSettings(steps=1, octaves=1, size=45), (61, 37), (45, 27)),
        (ClassSettings(classes=(1,), steps=1, octaves=1), None, (224, 224)),
        (BoostSettings(steps=1, octaves=1, size=40), (60, 80), (30, 40)),
        (StyleSettings(steps=1, octaves=1, size=50), (60, 80), (38, 50)),
        (FilterSettings(apply="edge", size=50), (60, 80), (38, 50)),
    ],
    ids=str,
)
def test_the_size_of_a_result_is_known_in_advance(
    session: Session, settings: Settings, shape: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    start = read_image(scene(*shape)) if shape else None
    assert session.result_size(settings, start.picture if start else None) == size
    styles = style_inputs([read_image(scene(40, 40))])
    references = References(styles=styles if isinstance(settings, StyleSettings) else ())
    (result,) = session.make(settings, start, references)
    assert result.picture.pixels.shape == (*size, 3)


@pytest.mark.parametrize("settings", [FeatureSettings(), FilterSettings(), BoostSettings(sheet=True)], ids=str)
def test_the_size_of_a_sheet_is_not_known_in_advance(session: Session, settings: Settings) -> None:
    assert session.result_size(settings, read_image(scene()).picture) is None


def test_the_alpha_of_a_resized_result_is_resized(session: Session) -> None:
    alpha = np.full((60, 80), 9, np.uint8)
    alpha[:, 40:] = 255
    start = Image.fromarray(np.dstack([scene(), alpha]))
    result = session.dream(start, size=40, **QUICK)
    assert result.image.mode == "RGBA"
    assert result.picture.alpha.shape == (30, 40)
    assert result.picture.alpha[:, :15].max() <= 10
    assert result.picture.alpha[:, 25:].min() >= 254


def test_feature_maps_come_with_their_numbers_and_without_alpha(session: Session) -> None:
    start = read_image(Image.fromarray(np.dstack([scene(), np.full((60, 80), 9, np.uint8)])))
    (result,) = session.make(FeatureSettings(layers=(LayerSpec("low"),), top=4), start)
    assert result.picture.alpha is None
    assert list(result.maps) == ["fire4"]
    assert "top5" not in result.record.score


def test_a_record_holds_everything_that_determines_a_picture(session: Session, photo: Path) -> None:
    picture, guide, mask = read_image(photo), read_image(scene(30, 30)), read_image(scene(20, 20))
    references = References(guide, mask)
    (job,) = session.provenances(DreamSettings(seed=7), picture.picture, references)
    assert job.command == "dream"
    assert job.settings == DreamSettings(seed=7).to_json() | {"device": "cpu", "precision": "float32"}
    assert job.network == {"name": "dreamnet", "sha256": session.ensemble(DreamSettings).weights_sha256}
    assert (job.input, job.judge) == (picture.picture.sha256, {})
    assert job.others == {"guide": guide.picture.sha256, "mask": mask.picture.sha256}
    result = session.dream(photo, guide=scene(30, 30), mask=scene(20, 20), seed=7, **QUICK)
    assert result.record.source == "photo.png"
    assert result.record.other_sources == {"guide": "", "mask": ""}
    assert set(result.record.score) == {"before", "after", "high_frequencies", "top5"}
    assert set(result.record.versions) == {"dreamcli", "torch"}


def test_each_variation_has_its_job(session: Session) -> None:
    jobs = session.provenances(BoostSettings(count=3), None, References())
    assert [job.settings["index"] for job in jobs] == [0, 1, 2]
    (job,) = session.provenances(BoostSettings(count=3, sheet=True), None, References())
    assert job.settings["index"] == 0


def test_a_value_that_is_not_finite_is_recorded_as_none(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    artwork = Artwork(scene(), {"before": 1.0, "after": float("nan")}, "non-finite")
    monkeypatch.setattr(forms, "recipe", lambda _name: lambda *_: [artwork])
    (result,) = session.make(DreamSettings(), read_image(scene()))
    assert result.record.score["before"] == 1
    assert result.record.score["after"] is None
    assert result.record.stopped == "non-finite"
    assert result.record.to_json()


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried"), RuntimeError("you can't allocate memory: 9")]
)
def test_a_picture_that_runs_out_of_memory_is_made_in_smaller_tiles(
    fresh: Session, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    budgets = []

    def recipe(_settings: object, _network: object, _inputs: object, compute: Compute, _on_step: object) -> list:
        budgets.append(compute.budget)
        if len(budgets) == 1:
            raise error
        return [Artwork(scene())]

    monkeypatch.setattr(forms, "recipe", lambda _name: recipe)
    (result,) = fresh.make(DreamSettings(), read_image(scene()))
    assert result.record.notes == ("memory ran out, so it was made in smaller tiles",)
    assert budgets == [2 * 2**30, 2**28]


def test_pictures_of_the_size_that_memory_ran_out_for_start_with_smaller_tiles(
    fresh: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets: list[int] = []

    def recipe(_settings: object, _network: object, inputs: Inputs, compute: Compute, _on_step: object) -> list:
        budgets.append(compute.budget)
        if inputs.start.pixels.shape[1] > 50 and compute.budget > 2**28:
            raise MemoryError
        return [Artwork(scene())]

    monkeypatch.setattr(forms, "recipe", lambda _name: recipe)
    notes = [fresh.make(DreamSettings(), read_image(scene(40, side)))[0].record.notes for side in (60, 60, 40)]
    assert budgets == [2 * 2**30, 2**28, 2**28, 2 * 2**30]
    assert [len(each) for each in notes] == [1, 1, 0]


def test_the_network_is_prepared_once_for_several_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, ...]] = []
    original = Activations.__init__

    def counted(self: Activations, network: nn.Module, layers: Iterable[str], *rest: object) -> None:
        made.append(tuple(layers))
        original(self, network, layers, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Activations, "__init__", counted)
    quick = {"steps": 1, "octaves": 1}
    with Session("dreamnet", judge="none", device="cpu") as session:
        first = session.dream(scene(), layer="mid", **quick)
        session.dream(scene(50, 40), layer="mid", **quick)
        assert made == [("fire6",)]
        session.dream(scene(), layer="low", **quick)
        again = session.dream(scene(), layer="mid", **quick)
        assert made == [("fire6",), ("fire4",)]
        film = FilmSettings(layers=(LayerSpec("mid"),), seconds=0.5, fps=8, **quick)
        start = read_image(scene())
        frames = session.film(film, start.picture, start, References(), Path("film.gif"))
        for index in (1, 2):
            frames.frame(index, scene(), scene())
        assert len(made) == 2
        for layer in ("fire2", "fire3", "fire5", "fire7", "fire8", "fire9", "stem"):
            session.dream(scene(), layer=layer, **quick)
        assert len(session.ensemble(DreamSettings).only._kept) == MAX_KEPT
    np.testing.assert_array_equal(first.picture.pixels, again.picture.pixels)


def test_a_picture_that_does_not_fit_in_memory_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def recipe(*_: object) -> list:
        raise MemoryError

    monkeypatch.setattr(forms, "recipe", lambda _name: recipe)
    with pytest.raises(DreamcliError, match="not enough memory for a picture of this size") as caught:
        session.make(DreamSettings(), read_image(scene()))
    assert caught.value.hint is Hint.SMALLER


def test_another_error_is_not_tried_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def recipe(*_: object) -> list:
        calls.append(1)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(forms, "recipe", lambda _name: recipe)
    with pytest.raises(RuntimeError, match="mat1"):
        session.make(DreamSettings(), read_image(scene()))
    assert len(calls) == 1


def test_numbers_that_grow_too_large_are_reported(small: Small) -> None:
    with torch.no_grad():
        small.first[0].weight.mul_(float("inf"))
    with Session(small, **CPU) as session:
        for make in (
            lambda: session.classify(scene()),
            lambda: session.feature_maps(scene(), layer="second"),
            lambda: session.explain(scene(), "0", steps=2),
            lambda: session.dream(scene(), layer="second", **QUICK),
            lambda: session.visualize_class("0", size=32, **QUICK),
            lambda: session.stylize(scene(), scene(40, 40), layer="second", content="first", **QUICK),
        ):
            with pytest.raises(DreamcliError, match="values aren't finite: check its weights"):
                make()


def test_an_interruption_is_passed_on_with_the_session_still_open(session: Session) -> None:
    def interrupt(_step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.dream(scene(), on_step=interrupt, **QUICK)
    assert session.dream(scene(), **QUICK).record.stopped == "done"
    settings = replace(DreamSettings(), steps=2, octaves=1)
    (kept,) = session.make(settings, read_image(scene()), on_step=interrupt)
    assert kept.record.stopped == "interrupted"


@pytest.mark.parametrize("form", [DreamSettings, FilmSettings])
def test_older_settings_mean_the_layers_of_their_time(form: type[Settings]) -> None:
    with Session("efficientnet_lite0", judge="none") as session:
        now, older = (session.ensemble_for(form(recipe=recipe)) for recipe in (LATEST_RECIPE, 2))
        assert [ensemble.find(LayerSpec("high"))[0].name for ensemble in (now, older)] == ["block14", "block10"]
        assert session.ensemble_for(form(recipe=2)).only is older.only
        layers = (LayerSpec("high", 150),)  # of 192 channels of the one, and of 112 of the other
        session.check(form(layers=layers), References())
        with pytest.raises(WrongRequest, match="channels 0 to 111"):
            session.check(form(layers=layers, recipe=2), References())
