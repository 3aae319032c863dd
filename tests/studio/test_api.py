from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

import dreamcli
from dreamcli.files.record import read_record
from dreamcli.networks import zoo
from dreamcli.studio.pictures import listed, read_image
from tests.conftest import scene

QUICK = {"steps": 2, "octaves": 2, "precision": "float32"}


def test_a_path_a_picture_and_an_array_give_the_same_dream(photo: Path) -> None:
    results = [dreamcli.dream(source, layer="low", **QUICK) for source in (photo, Image.open(photo), scene())]
    for result in results:
        assert isinstance(result.image, Image.Image)
        np.testing.assert_array_equal(np.asarray(result.image), np.asarray(results[0].image))
    assert (np.asarray(results[0].image) != scene()).any()


def test_what_is_in_a_file_is_read_as_the_file(photo: Path) -> None:
    contents = photo.read_bytes()
    wanted = read_image(photo).picture
    with open(photo, "rb") as opened:
        for source in (contents, bytearray(contents), memoryview(contents), io.BytesIO(contents), opened):
            found = read_image(source).picture
            assert found.sha256 == wanted.sha256
            np.testing.assert_array_equal(found.pixels, wanted.pixels)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (["a.jpg", "b.jpg"], "one picture at a time: call this once for each of the list"),
        ((scene(), scene()), "one picture at a time"),
        (io.StringIO("text"), r"must be opened for reading bytes, with open\(path, 'rb'\)"),
        (torch.rand(1, 3, 32, 32), "a picture is a path, bytes, an open file, .*, not Tensor"),
        (3, "a picture is a path, .*, not int"),
        (scene() / 255, r"an array must be \(height, width, 3\) of uint8, not \(60, 80, 3\) of float64"),
        (b"text", "not a readable picture"),
        (b"", "an empty file"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_picture_is_explained(image: object, message: str) -> None:
    with pytest.raises(dreamcli.DreamcliError, match=message):
        read_image(image)


def test_a_picture_that_is_needed_must_be_there() -> None:
    with dreamcli.Session("lenet5") as session:
        for method in (session.invert, session.caricature, session.explain):
            with pytest.raises(dreamcli.WrongRequest, match="there is no picture to look at"):
                method(None)


def test_one_picture_needs_no_list_around_it(photo: Path) -> None:
    for picture in (str(photo), photo, photo.read_bytes(), io.BytesIO(), Image.fromarray(scene()), scene()):
        for given in (picture, [picture], iter([picture])):
            (found,) = listed(given)
            assert found is picture
    assert listed(()) == ()


@pytest.mark.parametrize("model", [3, {"weight": torch.ones(3)}, Path("net.pth")], ids=["int", "dict", "path"])
def test_what_is_no_model_is_explained(model: object) -> None:
    with pytest.raises(
        dreamcli.WrongRequest, match=f"a model is a name or a torch.nn.Module, not {type(model).__name__}"
    ):
        dreamcli.Session(model)


class _Float64:
    def __enter__(self) -> None:
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *_error: object) -> None:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "mode", [torch.inference_mode(), torch.no_grad(), torch.autocast("cpu"), _Float64()],
    ids=["inference", "no grad", "autocast", "float64"],
)  # fmt: skip
def test_the_callers_modes_change_nothing(mode) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def made() -> tuple[object, ...]:
        with dreamcli.Session(net, precision="float32") as session:
            dream = session.dream(scene(), layer="2", steps=1, octaves=1).image.tobytes()
            drawn = session.visualize_class(1, steps=1, octaves=1, size=32)[0].image.tobytes()
            maps = session.feature_maps(scene(), layer="2")["2"]
            return dream, drawn, maps.tobytes(), maps.dtype, session.classify(scene()), session.layers()

    usual = made()
    with mode:
        assert made() == usual


def test_a_result_is_saved_with_its_record(photo: Path, tmp_path: Path) -> None:
    result = dreamcli.dream(str(photo), layer=["low", "high:3*0.5"], seed=4, **QUICK)
    result.save(tmp_path / "out.webp")
    record = read_record(tmp_path / "out.webp")
    assert record == result.record
    assert record is not None
    assert record.provenance.settings["layers"] == ["low", "high:3*0.5"]
    with pytest.raises(dreamcli.WrongRequest, match="must end in"):
        result.save(tmp_path / "out.bmp")


def test_transparency_is_kept() -> None:
    rgba = np.dstack([scene(), np.full((60, 80), 9, np.uint8)])
    made = dreamcli.dream(Image.fromarray(rgba), **QUICK).image
    assert made.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(made)[..., 3], rgba[..., 3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "mif"}, "did you mean mid"),
        ({"layer": "mid:"}, "not of the form"),
        ({"model": "resnet51"}, "did you mean resnet50"),
        ({"device": "gpu"}, "one of"),
        ({"steps": 0}, "steps must be from 1 to 10000"),
    ],
)
def test_a_wrong_request_is_explained(arguments: dict, message: str) -> None:
    with pytest.raises(dreamcli.WrongRequest, match=message):
        dreamcli.dream(scene(), **arguments)


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(dreamcli.DreamcliError, match=r"none\.png: there is no such file"):
        dreamcli.dream(tmp_path / "none.png")


def test_a_pillow_image_is_read_as_its_file_would_be(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((64, 96), 30000, np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(scene()).save(tmp_path / "turned.png", exif=exif)
    for name in ("deep.png", "turned.png"):
        with Image.open(tmp_path / name) as image:
            opened = dreamcli.dream(image, strength=0, **QUICK).image
        read = dreamcli.dream(tmp_path / name, strength=0, **QUICK).image
        assert opened.size == read.size
        assert opened.tobytes() == read.tobytes()


def test_an_interruption_is_passed_on() -> None:
    def interrupt(_step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dreamcli.dream(scene(), on_step=interrupt, **QUICK)


def test_an_array_of_another_type_is_refused() -> None:
    with pytest.raises(dreamcli.WrongRequest, match=r"must be \(height, width, 3\) of uint8"):
        dreamcli.dream(scene() / 255)


def test_the_public_names_exist() -> None:
    assert set(dreamcli.__all__) <= set(dir(dreamcli))
    for name in dreamcli.__all__:
        assert getattr(dreamcli, name)
    with pytest.raises(AttributeError, match="no attribute 'dreem'"):
        dreamcli.dreem  # noqa: B018


def test_classes_and_boosts_are_lists() -> None:
    quick = {"steps": 2, "octaves": 1, "size": 40}
    two = dreamcli.visualize_class("goldfish", 107, count=2, **quick)
    assert [result.image.size for result in two] == [(40, 40), (40, 40)]
    assert two[1].record.provenance.settings["classes"] == (1, 107)
    assert two[1].record.provenance.settings["index"] == 1
    (sheet,) = dreamcli.boost(layer=["mid:1", "mid:2"], sheet=True, **quick)
    assert sheet.image.width > 80
    with pytest.raises(dreamcli.WrongRequest, match="did you mean goldfish"):
        dreamcli.visualize_class("goldfisch")


def test_a_style_is_a_path_or_pixels(photo: Path) -> None:
    quick = {"steps": 2, "octaves": 1}
    one, other = (dreamcli.stylize(scene(40, 50), style, **quick).image for style in (photo, scene()))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    texture = dreamcli.stylize(None, scene(), size=48, seamless=True, **quick)
    assert texture.image.size == (48, 48)
    with pytest.raises(dreamcli.WrongRequest, match="2 content masks for 1 styles"):
        dreamcli.stylize(scene(), scene(), content_masks=[scene(), scene()])


def test_the_styles_weights_and_the_networks_are_apart(tmp_path: Path) -> None:
    quick = {"steps": 1, "octaves": 1, "size": 64}
    both = dreamcli.stylize(scene(), scene(), scene()[::-1], weights=(1, 3), **quick)
    assert both.record.provenance.settings["weights"] == (1, 3)
    weights = tmp_path / "own.safetensors"
    save_file(zoo.load("lenet5").module.state_dict(), weights)
    own = dreamcli.stylize(scene(), scene(), model="lenet5", model_weights=weights, **quick)
    assert own.record.provenance.network == {"name": "lenet5", "sha256": sha256(weights.read_bytes()).hexdigest()}


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="stepps"):
        dreamcli.dream(scene(), stepps=3)


def test_feature_maps_and_layers_are_data() -> None:
    maps = dreamcli.feature_maps(scene(), layer=["mid", "fire2"], size=64)
    assert {name: array.shape[0] for name, array in maps.items()} == {"fire6": 384, "fire2": 128}
    assert maps["fire2"].dtype == np.float32
    table = dreamcli.layers("lenet5")
    assert [layer.name for layer in table][:2] == ["maps.c1", "maps.tanh1"]
    assert dreamcli.layers("alexnet", (200, 300))[0].shape == (64, 49, 74)
