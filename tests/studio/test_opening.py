from __future__ import annotations

import pytest

import dreamcli
from dreamcli.errors import WrongRequest
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.forms import FORMS
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import ClassSettings
from dreamcli.studio.session import Session
from tests.conftest import scene

CPU = {"device": "cpu", "precision": "float32"}
QUICK = {"steps": 1, "octaves": 1, "size": 48}


def test_each_art_form_has_its_own_networks_unless_some_are_named() -> None:
    with Session(**CPU) as session:
        for form in (*FORMS.values(), ClassifySettings):
            assert session.ensemble(form).name == form.model
        assert session.ensemble(DreamSettings) is session.ensemble(ClassSettings)  # loaded once
    with Session("lenet5", **CPU) as session:
        assert {session.ensemble(form).name for form in FORMS.values()} == {"lenet5"}


def test_a_one_shot_function_takes_the_same_networks() -> None:
    record = dreamcli.dream(scene(), **QUICK, **CPU).record
    assert record.job.network["name"] == DreamSettings.model
    assert record.job.network["sha256"].count("+") == DreamSettings.model.count("+")


@pytest.mark.parametrize(
    ("model", "judge", "found"),
    [
        ("dreamnet", "auto", "efficientnet_lite0"),
        ("vgg19_gatys", "auto", "efficientnet_lite0"),  # it has no classes that could differ
        ("efficientnet_lite0", "auto", ""),  # it took part
        ("dreamnet+efficientnet_lite0*0.5", "auto", ""),
        ("lenet5", "auto", ""),  # other classes
        ("dreamnet", "none", ""),
        ("dreamnet", "lenet5", "lenet5"),
        ("dreamnet", None, ""),
    ],
)
def test_the_judge_is_independent_and_knows_the_classes(model: str, judge: str | None, found: str) -> None:
    with Session(model, judge=judge, **CPU) as session:
        seen = session.judge(StyleSettings)
        assert (seen.card.name if seen else "") == found
        assert session.judge(FeatureSettings) is None  # nothing is climbed


def test_the_default_judge_is_in_the_record_and_scores() -> None:
    with Session("dreamnet", **CPU) as session:
        record = session.dream(scene(), **QUICK).record
    assert record.job.judge["name"] == "efficientnet_lite0"
    assert len(record.score["judge"]) == 5


def test_an_ensemble_is_computed_in_one_precision() -> None:
    with Session("dreamnet+efficientnet_lite0", device="cpu") as session:
        (job,) = session.jobs(DreamSettings(), None, dreamcli.studio.session.References())
    assert job.settings["precision"] == "float32"  # what the slower of them prefers


@pytest.mark.parametrize(
    ("model", "weights", "message"),
    [
        ("dreamnet+lenet5", "own.pth", "^one weights file can't serve dreamnet.lenet5; write NAME=FILE"),
        ("lenet5=a.pth", "b.pth", "^lenet5=a.pth names a weights file already$"),
        (None, "own.pth", "^weights need a model$"),
        ("dreamnet+dreamnet", None, r"^dreamnet\+dreamnet names dreamnet twice$"),
        ("dreamnet+vgg61", None, "there is no model 'vgg61'; did you mean"),
    ],
)
def test_a_wrong_combination_is_refused(model: str | None, weights: str | None, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        Session(model, weights=weights)
