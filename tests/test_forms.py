from __future__ import annotations

import pytest

from dreamcli import forms
from dreamcli.art.artwork import Artwork, Inputs
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.base import Settings
from dreamcli.settings.caricature import CaricatureSettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.explain import ExplainSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.filters import FilterSettings
from dreamcli.settings.invert import InvertSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.settings.references import References, StyleInput
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from tests.conftest import scene


def test_every_art_form_has_a_recipe() -> None:
    assert all(callable(forms.recipe(name)) for name in forms.FORMS)


@pytest.mark.parametrize(
    "settings",
    [
        DreamSettings(steps=1, octaves=1),
        ClassSettings(classes=(1,), count=2, size=32, steps=1, octaves=1),
        BoostSettings(count=2, size=32, steps=1, octaves=1),
        StyleSettings(steps=1, octaves=1),
        InvertSettings(steps=1),
        CaricatureSettings(steps=1, octaves=1),
        FeatureSettings(top=1),
        ExplainSettings(top=1, steps=2),
        FilterSettings(),
        MicroscopeSettings(layers=(LayerSpec("fire2", 1), LayerSpec("fire2", 2)), size=32, steps=1, octaves=1),
        FilterSettings(apply="edge"),
    ],
    ids=lambda settings: settings.command,
)
def test_a_recipe_makes_as_many_pictures_as_its_settings_say(
    network: Network, compute: Compute, settings: Settings
) -> None:
    inputs = Inputs(Picture(scene(40, 50)), References(styles=(StyleInput(Picture(scene(30, 30))),)))
    made = forms.recipe(settings.command)(settings, Ensemble.of(network), inputs, compute, None)
    assert len(made) == settings.output_count
    assert all(isinstance(artwork, Artwork) and artwork.pixels.shape[2] == 3 for artwork in made)
