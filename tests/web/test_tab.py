from __future__ import annotations

from pathlib import Path

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.files.presets import Preset
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.invert import InvertSettings
from dreamcli.settings.references import References
from dreamcli.settings.style import StyleSettings

pytest.importorskip("nicegui", reason="the page needs the extra `web`")
from dreamcli.web.tab import is_usable, request_for


@pytest.mark.parametrize(
    ("options", "usable"),
    [
        ({"layer": ["low"], "octave-scale": 1.5}, True),
        ({"octave_scale": 1.5, "model": "efficientnet_lite0"}, True),
        ({"model": "vgg16"}, False),
        ({"guide": "a.png"}, False),
        ({"device": "cpu"}, False),
    ],
)
def test_a_preset_is_offered_if_the_page_can_do_what_it_says(options: dict[str, object], usable: bool) -> None:
    preset = Preset("mine", Path("mine.toml"), "", {"dream": options})
    assert is_usable(preset, DreamSettings) == usable
    assert not is_usable(preset, StyleSettings)


@pytest.mark.parametrize("model", ["net.py:Net", "dreamnet=weights.pth", "resnet50", "dreamnet+resnet50"])
def test_other_networks_are_refused(model: str) -> None:
    with pytest.raises(WrongRequest, match="can't be used on this page"):
        request_for(DreamSettings(), model, None, References())


def test_a_photograph_is_needed_where_nothing_starts_from_noise() -> None:
    with pytest.raises(WrongRequest, match="drop a photograph first"):
        request_for(InvertSettings(), "dreamnet", None, References())
