"""What a visitor asks for, and the command line for the same."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from dreamcli.cli import load_command
from dreamcli.errors import WrongRequest
from dreamcli.forms import settings_classes
from dreamcli.settings.base import Settings
from dreamcli.settings.caricature import CaricatureSettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.explain import ExplainSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.filters import FilterSettings
from dreamcli.settings.invert import InvertSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References, StyleInput
from dreamcli.settings.setup import Setup
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from dreamcli.studio.request import Request

FORMS = settings_classes()

NOTHING = References[Path]()


def asked(settings: Settings, model: str, start: Path | None = None, references: References[Path] = NOTHING) -> Request:
    return Request(settings=settings, setup=Setup(model=model), start=start, references=references)


PHOTO, STYLE = Path("a folder/my photo.jpg"), Path("x/style.png")
SPECS = tuple(map(LayerSpec.parse, ("dreamnet/high:3@1,2*-0.5", "low")))
REQUESTS = [
    asked(DreamSettings(), "dreamnet+efficientnet_lite0", PHOTO),
    asked(DreamSettings(layers=SPECS, minimize=True, size=100, seed=3), "dreamnet"),
    asked(DreamSettings(), "dreamnet", PHOTO, References(guide=STYLE, mask=Path("y/mask.png"))),
    asked(BoostSettings(layers=SPECS[1:], mirror=False, count=2), "dreamnet", PHOTO, References(like=(STYLE,))),
    asked(ClassSettings(classes=(1, 207), color=0.5), "dreamnet", None),
    asked(ClassSettings(classes=(1, 2), sheet=True), "lenet5", PHOTO),
    asked(StyleSettings(), "efficientnet_lite0", PHOTO, References(styles=(StyleInput(STYLE), StyleInput(PHOTO)))),
    asked(StyleSettings(seamless=True), "efficientnet_lite0", None, References(styles=(StyleInput(STYLE),))),
    asked(InvertSettings(tv=1.5), "dreamnet", PHOTO),
    asked(CaricatureSettings(), "dreamnet", PHOTO),
    asked(FeatureSettings(channels=(1, 2, 9), headings=False), "dreamnet", PHOTO),
    asked(ExplainSettings(classes=(281,), top=2), "efficientnet_lite0", PHOTO),
    asked(FilterSettings(top=5), "dreamnet"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.command_line())
def test_the_command_line_asks_for_the_same(request_: Request) -> None:
    """What Click makes of it has the same settings, pictures and model."""
    words = shlex.split(request_.command_line())
    assert words[0] == "dreamcli"
    command = load_command(words[1])
    with command.make_context(words[1], words[2:], help_option_names=["-h", "--help"]) as context:
        values = context.params
    for name, expected in vars(request_.settings).items():
        if name in values and name != "apply":
            assert values[name] == expected or tuple(values[name]) == expected, name
    assert values["model"] == request_.setup.model
    named = [*(values.get("images") or values.get("photos") or ()), values.get("start")]
    assert (request_.start.name in named) if request_.start else not any(word and "." in word for word in named)
    for role in ("guide", "mask"):
        path = getattr(request_.references, role)
        assert values.get(role) == (Path(path.name) if path else None)
    assert [path.name for path, _ in values.get("styles", ())] == [
        each.picture.name for each in request_.references.styles
    ]
    assert bool(values.get("from_noise")) == (words[1] == "style" and not request_.start)
    assert bool(values.get("mix")) == (request_.settings == ClassSettings(classes=(1, 207), color=0.5))


def test_defaults_are_not_typed() -> None:
    for form in (DreamSettings, BoostSettings, StyleSettings, InvertSettings, ExplainSettings, FeatureSettings):
        assert form().changed() == {}, form
    assert ClassSettings(classes=(1,)).changed() == {}


@pytest.mark.parametrize("form", [form for form in FORMS.values() if form.references])
def test_the_pictures_a_form_takes_are_options_of_its_command(form: type[Settings]) -> None:
    options = {option.name for option in load_command(form.command).params if isinstance(option, click.Option)}
    assert set(form.references) <= options


def test_commands_take_no_picture_that_their_form_does_not_name() -> None:
    for name, form in FORMS.items():
        options = {option.name for option in load_command(name).params if isinstance(option, click.Option)}
        if name != "film":  # it hands them on
            assert options & {"guide", "mask", "like", "styles"} == set(form.references), name


def test_pictures_are_kept_small(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((50, 300, 3), np.uint8)).save(path)
    wanted = asked(DreamSettings(), "dreamnet", path)
    assert wanted.within(300) == wanted
    assert wanted.within(200).settings.size == 200
    with pytest.raises(WrongRequest, match="at most 200 pixels"):
        replace(wanted, settings=DreamSettings(size=201)).within(200)


@pytest.mark.parametrize(
    ("request_", "title"),
    [
        (REQUESTS[0], "my photo-dream"),
        (REQUESTS[1], "noise-dream"),
        (REQUESTS[4], "goldfish-golden-retriever-class"),
        (REQUESTS[7], "texture-style"),
        (REQUESTS[12], "dreamnet-filters"),
    ],
)
def test_results_are_named_as_on_the_command_line(request_: Request, title: str) -> None:
    assert request_.file_names == [f"{title}.png"]


def test_many_classes_and_variations_have_names_that_fit() -> None:
    names = asked(ClassSettings(classes=tuple(range(60)), count=3), "dreamnet").file_names
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 255


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (DreamSettings(), 200),
        (FeatureSettings(), 200),
        (BoostSettings(sheet=True), None),
        (BoostSettings(), 200),
        (ClassSettings(classes=(1,), size=150), 150),
    ],
)
def test_the_limit_is_kept_with_and_without_a_photograph(settings: Settings, size: int | None, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((50, 3000, 3), np.uint8)).save(path)
    assert asked(settings, "dreamnet", path).within(200).settings.size == size
    if settings.size_from_noise:
        assert asked(settings, "dreamnet").within(200).settings.size == size
        assert asked(settings, "dreamnet").within(600).settings == settings
