from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import MISSING, FrozenInstanceError, fields, replace

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.forms import settings_classes, settings_from_json
from dreamcli.settings.base import Settings
from dreamcli.settings.caricature import CaricatureSettings
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.explain import ExplainSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.filters import FilterSettings
from dreamcli.settings.invert import InvertSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.settings.spelling import NUMBER, WHOLE_NUMBER
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from tests.files.test_record import PROVENANCE

FORMS = settings_classes()

NAN, INF = math.nan, math.inf
REQUIRED: dict[type[Settings], dict[str, object]] = {
    MicroscopeSettings: {"layers": (LayerSpec("mid", 1),)},
    ClassSettings: {"classes": (1,)},
}
EVERY_FORM = [*FORMS.values(), ClassifySettings]
SCHEDULED = [DreamSettings, ClassSettings, BoostSettings, StyleSettings]
DRAWN = [ClassSettings, BoostSettings]


def made(form: type[Settings], **values: object) -> Settings:
    return form(**{**REQUIRED.get(form, {}), **values})


# the forms, a setting of theirs, values at both ends of its range, values beyond, and how the range is put
RANGES: list[tuple[list[type[Settings]], str, list[object], list[object], str]] = [
    (EVERY_FORM, "size", [1, 100_000, None], [0, -5, 100_001, NAN], "size must be from 1 to 100000"),
    (SCHEDULED, "steps", [1, 10_000], [0, -3, NAN, 10**9], "steps must be from 1 to 10000"),
    (SCHEDULED, "octaves", [1, 100], [0, 101], "octaves must be from 1 to 100"),
    (SCHEDULED, "octave_scale", [1.001, 50.0], [1.0, 0.5, NAN, INF], "octave[ -]scale must be more than 1"),
    (SCHEDULED, "strength", [0, 0.0, 1, 1.0], [-0.1, 1.1, 2.0, NAN], "strength must be from 0 to 1"),
    (SCHEDULED, "jitter", [0, 999], [-1], "jitter must be from 0 to 10000"),
    (SCHEDULED, "seed", [0, 2**63 - 1], [-1, 2**63], "seed must be from 0"),
    ([DreamSettings, *DRAWN], "color", [0, 1.0], [2, -1.0, NAN], "color must be from 0 to 1"),
    (DRAWN, "turn", [0, 180.0], [200.0, -1.0], "turn must be from 0 to 180"),
    (DRAWN, "zoom", [0, 0.99], [1.0, -0.1], "zoom must be from 0 to less than 1"),
    (DRAWN, "crop", [0.01, 1.0], [0.0, 1.1], "crop must be more than 0 and at most 1"),
    (DRAWN, "noise", [0, 3.0], [-1.0, NAN, INF], "noise must be from 0 to 10"),
    ([StyleSettings, *DRAWN], "tv", [0, 9.0], [-1.0, NAN, INF], "tv must be from 0 to 1000000"),
    (DRAWN, "l2", [0, 9.0], [-1.0, INF], "l2 must be from 0 to 1000000"),
    (DRAWN, "prior", [0, 9.0], [-1.0, INF], "prior must be from 0 to 1000000"),
    (DRAWN, "likeness", [0, 9.0], [-1.0, NAN, INF], "likeness must be from 0 to 1000000"),
    (DRAWN, "blur", [0], [-1.0, NAN], "blur must be from 0 to 100"),
    (DRAWN, "diversity", [0, 9.0], [-1.0, INF], "diversity must be from 0 to 1000000"),
    (DRAWN, "count", [1, 1000], [0, 1001], "count must be from 1 to 1000"),
    (DRAWN, "best_of", [1, 1000], [0, 1001], "best-of must be from 1 to 1000"),
    (DRAWN, "index", [0], [1, -1], "index must be from 0 to 0"),
    (DRAWN, "parameterization", ["pyramid", "pixels"], ["pixel"], "parameterization must be one of pyramid, fourier"),
    ([StyleSettings], "style_scale", [0.1, 10], [0.0, 11.0, NAN], "style[ -]scale must be from 0.1 to 10"),
    (
        [StyleSettings],
        "statistics",
        ["gram", "moments"],
        ["mean"],
        "statistics must be one of auto, neighbors, gram, moments",
    ),
    ([StyleSettings], "optimizer", ["adam", "lbfgs"], ["sgd"], "optimizer must be one of adam, lbfgs"),
    ([StyleSettings], "colors", ["style", "luminance", "match"], ["red"], "colors must be one of style"),
    ([StyleSettings], "layers", [()], [(LayerSpec("mid", 3),)], "whole layers, not in a channel"),
    ([DreamSettings, BoostSettings, FeatureSettings], "layers", [(LayerSpec("a", 3),)], [()], "at least one layer"),
    ([FeatureSettings], "layers", [], [(LayerSpec("a", 3, (1, 2)),)], "has no position"),
    ([FeatureSettings], "layers", [], [(LayerSpec("a", weight=2.0),)], "has no weight"),
    ([FeatureSettings], "top", [0, 999], [-1], "top must be from 0 to 4096"),
    ([FeatureSettings], "scale", ["each", "layer"], ["map"], "scale must be one of each, layer"),
    ([FeatureSettings, FilterSettings], "colormap", ["viridis", "magma", "grey"], ["red"], "colormap must be one of"),
    ([FilmSettings], "seconds", [0.5, 3600], [0.0, 3601, NAN], "seconds must be more than 0 and at most 3600"),
    ([FilmSettings], "fps", [1, 120], [0, 121], "fps must be from 1 to 120"),
    ([FilmSettings], "zoom", [0.1, 10], [0.0, 11, NAN], "zoom must be from 0.1 to 10"),
    ([FilmSettings], "rotate", [-360, 360.0], [361, NAN], "rotate must be from -360 to 360"),
    ([FilterSettings], "top", [0, 999], [-1], "top must be from 0 to 4096"),
    ([FilterSettings], "layers", [()], [(LayerSpec("a", 3),), (LayerSpec("a", weight=2.0),)], "leave out the channel"),
    ([FilterSettings], "apply", ["", "identity", "unsharp"], ["blur"], "kernel must be one of identity, edge"),
    ([ClassSettings], "classes", [(0,), (3, 3)], [()], "name at least one class"),
    ([ClassSettings], "classes", [], [(-1,), (5, -1)], "must be at least 0"),
    ([ClassifySettings], "top", [1, 1000], [0, 1001], "top must be from 1 to 1000"),
    ([ClassifySettings], "layer", [None, LayerSpec("a")], [LayerSpec("a", 3), LayerSpec("a", weight=2.0)], "leave out"),
]
INSIDE = [(form, name, value) for forms, name, values, _, _ in RANGES for form in forms for value in values]
OUTSIDE = [(form, name, value, rule) for forms, name, _, values, rule in RANGES for form in forms for value in values]


@pytest.mark.parametrize(("form", "name", "value"), INSIDE)
def test_a_setting_within_its_range_is_taken(form: type[Settings], name: str, value: object) -> None:
    assert getattr(made(form, **{name: value}), name) == value


@pytest.mark.parametrize(("form", "name", "value", "rule"), OUTSIDE)
def test_a_setting_out_of_range_is_refused_by_name(form: type[Settings], name: str, value: object, rule: str) -> None:
    with pytest.raises(WrongRequest, match=rule):
        made(form, **{name: value})


@pytest.mark.parametrize("form", DRAWN)
def test_blur_is_for_pixels_only(form: type[Settings]) -> None:
    assert made(form, blur=2.0, parameterization="pixels")
    with pytest.raises(WrongRequest, match="blur only works with the pixels parameterization"):
        made(form, blur=1.0)


@pytest.mark.parametrize("form", EVERY_FORM)
@pytest.mark.parametrize("value", ["3", None, [1]], ids=str)
def test_a_range_takes_numbers_only(form: type[Settings], value: object) -> None:
    ranged = [each for each in fields(form) if (known := form.setting(each.name)) and known.low > -INF]
    assert ranged
    for each in ranged:
        if value is not None or each.default is not None:
            with pytest.raises((WrongRequest, TypeError)):
                made(form, **{each.name: value})


@pytest.mark.parametrize("form", EVERY_FORM)
def test_the_defaults_are_within_their_ranges(form: type[Settings]) -> None:
    for each in fields(form):
        known = form.setting(each.name)
        if known and each.default is not None and each.default is not MISSING:
            known.check(each.name, each.default)
    assert made(form) == made(form)


@pytest.mark.parametrize("form", EVERY_FORM)
def test_settings_never_change(form: type[Settings]) -> None:
    with pytest.raises(FrozenInstanceError):
        made(form).size = 3  # type: ignore[misc]


def test_a_form_that_changes_a_default_inherits_the_range_and_the_help() -> None:
    assert ClassSettings.setting("steps") is StyleSettings.setting("steps")
    assert DreamSettings.setting("jitter") != ClassSettings.setting("jitter")
    assert ClassSettings.setting("index") is None


# settings of every form that differ from every default
CHANGED: list[Settings] = [
    DreamSettings(
        layers=(LayerSpec("low", weight=0.5), LayerSpec("fire4", 5, (2, 3), -2.0)), minimize=True, size=99, steps=3,
        octaves=2, octave_scale=1.25, strength=0.75, color=0.1, jitter=4, seed=2**63 - 1,
    ),
    ClassSettings(
        classes=(3, 1), size=64, minimize=True, parameterization="pixels", turn=1.5, zoom=0.25, noise=0.125, crop=0.3,
        mirror=False, likeness=3.0, tv=1.0, l2=2.0, prior=3.0, blur=1.0,
        count=3, diversity=0.5, index=2, best_of=4, sheet=True, color=0.3,
    ),
    BoostSettings(layers=(LayerSpec("high", 7),), count=2, index=1, steps=9, jitter=1),
    StyleSettings(
        layers=(LayerSpec("fire2", weight=2.0),), content="fire9", statistics="moments", strength=1.0, tv=0.0,
        average_pooling=True, optimizer="lbfgs", colors="match", style_scale=2.0, seamless=True, jitter=3,
    ),
    InvertSettings(
        layers=(LayerSpec("fire4", weight=2.0),), size=90, tv=1.0, steps=3, octaves=2, octave_scale=1.25, strength=0.75,
        jitter=1, seed=5,
    ),
    CaricatureSettings(
        layers=(LayerSpec("low"), LayerSpec("mid")), tv=1.0, steps=3, octaves=2, jitter=1, seed=5, color=0.2
    ),
    FilmSettings(
        layers=(LayerSpec("low", 3), LayerSpec("mid")), since=(0.0, 2.5), form="boost", seconds=5.0, fps=10, zoom=0.5,
        rotate=3.0, toward=(4, 5), loop=True, color=0.2, size=90, steps=3, octaves=1, jitter=2, seed=4, index=3,
    ),
    FeatureSettings(
        layers=(LayerSpec("low", 3),), channels=(1, 2), top=0, scale="layer", colormap="magma", headings=False,
        overlay=True, size=80,
    ),
    ExplainSettings(layers=(LayerSpec("mid"),), classes=(2, 3), top=2, steps=4, colormap="grey", size=80),
    FilterSettings(layers=(LayerSpec("fire2"),), top=4, colormap="viridis", headings=False, apply="edge", size=80),
    MicroscopeSettings(
        layers=(LayerSpec("fire2", 3), LayerSpec("fire2", 5)), before="stem", size=40, steps=3, octaves=1, jitter=2,
        seed=4, index=1,
    ),
]  # fmt: skip


@pytest.mark.parametrize("settings", [*CHANGED, *(made(form) for form in FORMS.values())])
def test_settings_become_json_and_come_back(settings: Settings) -> None:
    values = json.loads(json.dumps(settings.to_json(), allow_nan=False))
    assert set(values) == {each.name for each in fields(settings)}
    assert settings_from_json(settings.command, values) == settings
    assert type(settings).from_json(settings.to_json()) == settings


def test_the_table_of_changed_settings_has_every_form() -> None:
    assert [type(settings) for settings in CHANGED] == list(FORMS.values())


@pytest.mark.parametrize("command", FORMS)
def test_settings_of_another_version_are_refused(command: str) -> None:
    values = made(FORMS[command]).to_json()
    with pytest.raises(TypeError, match="sparkle"):
        settings_from_json(command, {**values, "sparkle": 3})
    with pytest.raises(WrongRequest):
        settings_from_json(command, {**values, "size": 0})
    if "layers" in values:
        with pytest.raises(ValueError, match="not of the form"):
            settings_from_json(command, {**values, "layers": ["mid:"]})


def test_a_record_without_a_setting_that_was_added_since_stands_for_what_was_done_then() -> None:
    values = ClassSettings(classes=(1,)).to_json()
    old = {name: value for name, value in values.items() if name not in ClassSettings.added}
    assert settings_from_json("class", old) == ClassSettings(classes=(1,), mirror=False, recipe=1)
    assert settings_from_json("class", values).mirror
    assert set(ClassSettings.added) <= set(values)


def test_an_unknown_command_has_no_settings() -> None:
    with pytest.raises(KeyError):
        settings_from_json("dreem", {})


def test_each_form_has_its_commands_name() -> None:
    assert {name: form.command for name, form in FORMS.items()} == {name: name for name in FORMS}


@pytest.mark.parametrize(
    ("settings", "count", "is_sheet"),
    [
        (DreamSettings(), 1, False),
        (StyleSettings(), 1, False),
        (ClassSettings(classes=(1, 2)), 1, False),
        (ClassSettings(classes=(1, 2), sheet=True), 1, True),
        (BoostSettings(count=3), 3, False),
        (BoostSettings(count=3, sheet=True), 1, True),
        (FeatureSettings(), 1, True),
        (FilterSettings(), 1, True),
        (FilterSettings(apply="edge"), 1, False),
    ],
)
def test_settings_know_their_outputs(settings: Settings, count: int, is_sheet: bool) -> None:
    assert (settings.output_count, settings.is_sheet) == (count, is_sheet)


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        (DreamSettings(), ["high"]),
        (BoostSettings(layers=(LayerSpec("low"), LayerSpec("high", 3))), ["low", "high:3"]),
        (ClassSettings(classes=(1,)), []),
        (StyleSettings(), []),
        (StyleSettings(layers=(LayerSpec("fire2"),), content="fire9"), ["fire2", "fire9"]),
        (FeatureSettings(), ["low", "mid", "high"]),
        (FilterSettings(), []),
    ],
)
def test_settings_know_the_layers_that_they_name(settings: Settings, layers: list[str]) -> None:
    assert [str(spec) for spec in settings.layer_specs] == layers


def test_settings_need_no_torch() -> None:
    load = "import sys, dreamcli.forms; dreamcli.forms.settings_classes()"
    code = f"{load}; assert not {{'torch', 'numpy', 'PIL'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_record_without_a_setting_stands_for_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {name: value for name, value in StyleSettings().to_json().items() if name != "average_pooling"}
    before = replace(PROVENANCE, command="style", settings=old)
    now = replace(before, settings=StyleSettings().to_json())
    assert before.gives_same_picture_as(now)
    assert not before.gives_same_picture_as(replace(now, settings=StyleSettings(average_pooling=True).to_json()))


@pytest.mark.parametrize("form", EVERY_FORM)
def test_every_number_has_both_bounds(form: type[Settings]) -> None:
    """A record or a visitor may ask for anything."""
    for each in form.options():
        if each.spelling in (NUMBER, WHOLE_NUMBER):
            assert -math.inf < each.setting.low < each.setting.high < math.inf, each.name
            with pytest.raises(WrongRequest):
                made(form, **{each.name: 10**30})


@pytest.mark.parametrize("form", EVERY_FORM)
def test_what_has_no_option_has_bounds_too(form: type[Settings]) -> None:
    for each in fields(form):
        if form.setting(each.name) is None and each.type == "int":
            for value in (-1, 10**30):
                with pytest.raises(WrongRequest):
                    made(form, **{each.name: value})
