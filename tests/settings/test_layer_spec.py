from __future__ import annotations

import pytest

from dreamcli.settings.layer_spec import LayerSpec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("mid", LayerSpec("mid")),
        ("features.12", LayerSpec("features.12")),
        ("block3.block3-2:4*-1", LayerSpec("block3.block3-2", 4, weight=-1)),
        ("mid:0", LayerSpec("mid", 0)),
        ("a.b_c:12@3,45", LayerSpec("a.b_c", 12, (3, 45))),
        ("high*0.5", LayerSpec("high", weight=0.5)),
        ("dreamnet/high:3*0.5", LayerSpec("dreamnet/high", 3, weight=0.5)),
        ("high:40*-0.5", LayerSpec("high", 40, weight=-0.5)),
        ("x:1@2,3*2e-3", LayerSpec("x", 1, (2, 3), 2e-3)),
        ("high*0.3333333333333", LayerSpec("high", weight=0.3333333333333)),
        ("high*1.0000001", LayerSpec("high", weight=1.0000001)),
    ],
)
def test_reads_and_writes_specs(text: str, spec: LayerSpec) -> None:
    assert LayerSpec.parse(text) == spec
    assert LayerSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    "text", ["", ":3", "mid:", "mid:-1", "mid@1,2", "mid:1@2", "mid:x", "mid 3", "mid**2", "a/b/mid"]
)
def test_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"not of the form .NETWORK/.LAYER.*such as mid"):
        LayerSpec.parse(text)


@pytest.mark.parametrize("weight", ["0", "nan", "inf", "1.2.3", "half"])
def test_a_weight_must_be_a_number_that_counts(weight: str) -> None:
    with pytest.raises(ValueError, match="the weight"):
        LayerSpec.parse(f"mid*{weight}")
