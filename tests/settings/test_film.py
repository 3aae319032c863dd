from __future__ import annotations

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.settings.dream import PYRAMID_POWER, DreamSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings

LOW, MID, HIGH = (LayerSpec(name) for name in ("low", "mid", "high"))


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"layers": (LayerSpec("high", 3, (1, 2)),)}, "it can't boost a neuron @Y,X"),
        ({"classes": (3,)}, "classes and the form 'class' need each other"),
        ({"form": "class"}, "classes and the form 'class' need each other"),
        ({"form": "class", "classes": (3,), "layers": (LOW,)}, "a film of a class takes no layers"),
        ({"form": "style", "layers": (LOW,), "since": (1.0,)}, "style layers can't change over time"),
        ({"form": "style", "layers": (LayerSpec("low", 3),)}, "whole layers, not in a channel"),
        ({"layers": (LOW, HIGH), "since": (0.0,)}, "give every layer a start time, or none"),
        ({"layers": (LOW,), "since": (11.0,)}, "a layer must start within the film's 10 seconds"),
        ({"layers": (LOW,), "since": (-1.0,)}, "a layer must start within the film's 10 seconds"),
        ({"form": "melt"}, "form must be one of dream, boost, class, style"),
        ({"toward": (3,)}, "toward must be a row and a column"),
        ({"seconds": 0.05}, "a film must have from 2 to 100000 frames, not 1"),
        ({"seconds": 3600, "fps": 120}, "a film must have from 2 to 100000 frames, not 432000"),
        ({"seconds": 1, "fps": 5, "index": 5}, "index must be from 0 to 4, not 5"),
    ],
)
def test_what_makes_no_film_is_refused(values: dict, rule: str) -> None:
    with pytest.raises(WrongRequest, match=rule):
        FilmSettings(**values)


def test_layers_follow_one_another() -> None:
    settings = FilmSettings(layers=(LOW, HIGH, MID), since=(2.0, 4.0, 4.0))
    assert settings.layers_at(0) == settings.layers_at(2) == (LOW,)
    assert settings.layers_at(3) == tuple(LayerSpec(name, weight=0.5) for name in ("low", "high", "mid"))
    assert settings.layers_at(4) == settings.layers_at(9) == (HIGH, MID)


def test_in_a_loop_the_first_layers_come_back() -> None:
    settings = FilmSettings(layers=(LOW, HIGH), since=(0.0, 5.0), loop=True)
    assert settings.layers_at(5) == (HIGH,)
    assert settings.layers_at(7.5) == (LayerSpec("high", weight=0.5), LayerSpec("low", weight=0.5))
    assert settings.layers_at(10) == (LOW,)


def test_a_loop_is_closed_toward_its_end() -> None:
    settings = FilmSettings(seconds=10, fps=10, loop=True)
    closed = [settings.closed(index) for index in range(100)]
    assert closed[:60] == [0.0] * 60
    assert closed == sorted(closed)
    assert closed[-1] == pytest.approx(1 - 1 / 40)
    assert FilmSettings().closed(239) == 0
    assert FilmSettings(seconds=1, fps=10, loop=True).closed(4) == pytest.approx(0)
    assert FilmSettings(seconds=1, fps=10, loop=True).closed(5) > 0


def test_each_frame_has_its_form_and_its_seed() -> None:
    values = {"steps": 3, "octaves": 1, "octave_scale": 1.5, "strength": 0.25}
    film = {"seed": 7, "fps": 6, **values}
    assert FilmSettings(**film, jitter=4, color=0.1).of_frame(5) == DreamSettings(
        **values, jitter=4, color=0.1, seed=12
    )
    assert FilmSettings(**film, form="boost", layers=(LOW,)).of_frame(0) == BoostSettings(
        **values, layers=(LOW,), jitter=16, color=0.5, seed=7
    )
    assert FilmSettings(**film, form="class", classes=(1,)).of_frame(0) == ClassSettings(
        **values, classes=(1,), jitter=16, color=0.5, seed=7
    )
    assert FilmSettings(**film, form="style").of_frame(1) == StyleSettings(**values, seed=8)
    assert FilmSettings(seed=2**63 - 1).of_frame(1).seed == 0


def test_the_more_frames_a_second_the_less_is_done_to_each() -> None:
    strengths = [FilmSettings(form="boost", strength=0.4, fps=fps).of_frame(0).strength for fps in (3, 6, 24)]
    assert strengths == pytest.approx([0.4, 0.4, 0.1])
    dreamed = [FilmSettings(strength=0.4, fps=fps).of_frame(0).strength ** PYRAMID_POWER for fps in (3, 6, 24)]
    assert dreamed == pytest.approx([dreamed[0], dreamed[0], dreamed[0] / 4])


def test_a_film_of_an_earlier_version_dreams_in_pixels() -> None:
    frame = FilmSettings(strength=0.4, fps=24, recipe=2).of_frame(0)
    assert (frame.parameterization, frame.strength) == ("pixels", pytest.approx(0.1))


def test_the_zoom_is_spread_over_a_second() -> None:
    assert FilmSettings(zoom=2.0, fps=10).frame_zoom ** 10 == pytest.approx(2)
