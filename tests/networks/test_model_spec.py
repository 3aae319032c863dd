from __future__ import annotations

from pathlib import Path

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.networks.model_spec import ModelSpec, model_text, parse_models


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("vgg16", [ModelSpec("vgg16")]),
        ("dreamnet+vgg16", [ModelSpec("dreamnet"), ModelSpec("vgg16")]),
        ("dreamnet *2", [ModelSpec("dreamnet", None, 2.0)]),
        ("lost+found/net.py:Net", [ModelSpec("lost+found/net.py:Net")]),  # although it isn't there
        ("a=b/net.py:Net=w.pth", [ModelSpec("a=b/net.py:Net", Path("w.pth"))]),
        ("dreamnet*2+net.py:Net", [ModelSpec("dreamnet", None, 2.0), ModelSpec("net.py:Net")]),
        ("dreamnet + vgg16*0.5", [ModelSpec("dreamnet"), ModelSpec("vgg16", None, 0.5)]),
        ("a.py:Net=w.pth*2+vgg16", [ModelSpec("a.py:Net", Path("w.pth"), 2.0), ModelSpec("vgg16")]),
    ],
)
def test_models_are_read(text: str, specs: list[ModelSpec]) -> None:
    assert list(parse_models(text)) == specs


def test_a_file_that_exists_may_have_any_name(tmp_path: Path) -> None:
    code = tmp_path / "a+b*c=d.py"
    code.touch()
    assert parse_models(f"{code}:Net") == (ModelSpec(f"{code}:Net"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dreamnet+", r"^the model 'dreamnet\+' is not of the form NAME"),
        ("dreamnet++vgg16", "is not of the form"),
        ("=w.pth", "is not of the form"),
        ("vgg16*0", "^the weight of vgg16 must be more than 0 and at most 1000, not 0$"),
        ("vgg16*-1", "at most 1000, not -1"),
        ("vgg16*inf", "at most 1000, not inf"),
        ("vgg16*much", "at most 1000, not much"),
        ("vgg16+alexnet+vgg16*2", r"^vgg16\+alexnet\+vgg16\*2 names vgg16 twice$"),
    ],
)
def test_a_wrong_text_is_explained(text: str, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        parse_models(text)


def test_the_text_of_models_is_read_back() -> None:
    text = model_text(("dreamnet", "vgg16"), (0.1, 1.0))
    assert text == "dreamnet*0.1+vgg16"
    assert [spec.weight for spec in parse_models(text)] == [0.1, 1.0]
