from __future__ import annotations

import pytest

import dreamcli
from dreamcli.errors import WrongRequest
from dreamcli.forms import settings_classes
from dreamcli.settings.base import Settings
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.visualization import ClassSettings
from dreamcli.studio.session import Session
from tests.conftest import scene

FORMS = settings_classes()

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
    assert record.provenance.network["name"] == DreamSettings.model
    assert record.provenance.network["sha256"].count("+") == DreamSettings.model.count("+")


GOLDFISH = ClassSettings(classes=(1,))
CHOSEN = ClassSettings(classes=(1,), best_of=2)
LITE0, LITE1, LITE2 = "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"


@pytest.mark.parametrize(
    ("model", "judge", "settings", "judge_name", "witness"),
    [
        (ClassSettings.model, "auto", GOLDFISH, "", LITE2),
        (ClassSettings.model, "auto", CHOSEN, LITE1, LITE2),
        ("dreamnet", "auto", CHOSEN, LITE0, LITE2),
        (LITE2, "auto", GOLDFISH, "", LITE1),
        (f"{LITE1}*0.5+{LITE2}", "auto", CHOSEN, LITE0, ""),
        ("lenet5", "auto", CHOSEN, "", ""),  # other classes
        ("dreamnet", "auto", DreamSettings(), "", ""),  # there is no class to recognize
        ("dreamnet", "none", CHOSEN, "", ""),
        ("dreamnet", None, GOLDFISH, "", ""),
        ("dreamnet", "lenet5", DreamSettings(), "", "lenet5"),
        ("dreamnet", "lenet5", FeatureSettings(), "", ""),  # nothing is climbed
        ("dreamnet", LITE2, CHOSEN, LITE2, LITE1),
        ("dreamnet", LITE1, GOLDFISH, "", LITE1),
    ],
)
def test_judges_are_independent_and_know_the_classes(
    model: str, judge: str | None, settings: Settings, judge_name: str, witness: str
) -> None:
    with Session(model, judge=judge, **CPU) as session:
        judges = session.judge(settings), session.witness(settings)
        assert [each.card.name if each else "" for each in judges] == [judge_name, witness]
        assert (session.judge(settings), session.witness(settings)) == judges  # loaded once


def test_what_an_independent_network_sees_is_in_the_record() -> None:
    with Session("dreamnet", **CPU) as session:
        (made,) = session.visualize_class("goldfish", **QUICK)
    assert made.record.provenance.judge == {}
    seen = made.record.score["seen_by"]
    assert (seen["network"], len(seen["top5"])) == (LITE2, 5)
    label, probability = seen["top5"][0]
    assert made.record.seen_by == f"seen by {LITE2}: {label} {round(100 * probability)}%"


def test_an_ensemble_is_computed_in_one_precision() -> None:
    with Session("dreamnet+efficientnet_lite0", device="cpu") as session:
        (job,) = session.provenances(DreamSettings(), None, dreamcli.studio.session.References())
    assert job.settings["precision"] == "float32"  # what the slower of them prefers


@pytest.mark.parametrize(
    ("model", "weights", "message"),
    [
        ("dreamnet+lenet5", "own.pth", "^one weights file can't be used for dreamnet.lenet5; write NAME=FILE"),
        ("lenet5=a.pth", "b.pth", "^lenet5=a.pth already names a weights file$"),
        (None, "own.pth", "^weights need a model$"),
        ("dreamnet+dreamnet", None, r"^dreamnet\+dreamnet names dreamnet twice$"),
        ("dreamnet+vgg61", None, "there is no model 'vgg61'; did you mean"),
    ],
)
def test_a_wrong_combination_is_refused(model: str | None, weights: str | None, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        Session(model, weights=weights)
