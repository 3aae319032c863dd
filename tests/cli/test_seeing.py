"""The commands that show rather than make: ``features``, ``filters``, ``layers`` and ``classify``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

from dreamcli.art.features import colored
from dreamcli.art.filters import KERNEL_WEIGHTS
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.networks import zoo
from dreamcli.settings.filters import KERNELS
from tests.conftest import scene

# a network whose values are not finite for a white picture
OVERFLOWING = """
from torch import nn

class Brightness(nn.Module):
    def forward(self, x):
        return x / (x.amax() < 2)

def net():
    return nn.Sequential(Brightness(), nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def test_feature_maps_from_first_layer_to_last(run, photo: Path) -> None:
    outcome = run("features", photo, "--layer", "high", "--layer", "low", "--top", 3)
    assert outcome.code == 0, outcome.err
    sheet = read_picture(Path("photo-features.png")).pixels
    assert sheet.shape[1] > 3 * 112
    other = run("features", photo, "--layer", "low", "--layer", "high", "--top", 3, "-o", "other.png")
    assert other.code == 0
    np.testing.assert_array_equal(sheet, read_picture(Path("other.png")).pixels)
    record = read_record(Path("photo-features.png"))
    assert record is not None
    assert record.score == {}
    assert run("replay", "photo-features.png").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--scale", "layer"),
        ("--colormap", "magma"),
        ("--overlay",),
        ("--channels", "0-2"),
        ("--top", "5"),
        ("--size", "40"),
        ("--layer", "mid:7"),
    ],
    ids=" ".join,
)
def test_every_option_changes_the_sheet(run, photo: Path, options: tuple[str, ...]) -> None:
    assert run("features", photo, "--top", 3, "-o", "plain.png").code == 0
    assert run("features", photo, "--top", 3, *options, "-o", "other.png").code == 0
    plain, other = (read_picture(Path(name)).pixels for name in ("plain.png", "other.png"))
    assert plain.shape != other.shape or (plain != other).any()


def test_the_numbers_are_the_networks_own(run, photo: Path) -> None:
    outcome = run("features", photo, "--layer", "fire2", "--raw", "maps.npz", "--precision", "float32")
    assert outcome.code == 0, outcome.err
    with np.load("maps.npz") as arrays:
        assert list(arrays) == ["fire2"]
        found = arrays["fire2"]
    network = zoo.load()
    image = torch.tensor(scene()).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (network.input_format.mean, network.input_format.std))
    module = network.module
    with torch.inference_mode():
        wanted = module.fire2(module.pool1(module.stem((image - mean) / std)))[0].numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_raw_numbers_overwrite_no_input(run, photo: Path) -> None:
    photo = photo.rename("photo.npz")
    before = photo.read_bytes()
    outcome = run("features", "photo.npz", "--raw", "./photo.npz", "--overwrite")
    assert outcome.code == 2
    assert "--raw photo.npz is the input; choose another" in outcome.err
    assert photo.read_bytes() == before


def test_the_raw_numbers_are_reported(run, photo: Path) -> None:
    few = ("features", "photo.png", "--layer", "low", "--top", 1, "--raw")
    assert run(*few, "maps.NPZ").err == "photo.png -> photo-features.png (arrays: maps.NPZ)\n"
    again = run(*few, "more.npz").err
    assert again == "photo.png -> photo-features.png (already made) (arrays: more.npz)\n"
    assert Path("maps.NPZ").read_bytes() == Path("more.npz").read_bytes()
    (entry,) = json.loads(run(*few, "third.npz", "--json").out)["pictures"]
    assert entry["raw"] == "third.npz"


def test_a_folder_of_feature_maps(run, photo: Path) -> None:
    Path("in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(scene(40, 50)).save(Path("in") / name)
    assert run("features", "in", "--top", 1).code == 0
    assert sorted(p.name for p in Path("in-features").iterdir()) == ["a.png", "b.png"]


def test_filters_of_the_first_layer_have_colors(run) -> None:
    assert run("filters").code == 0
    assert run("filters", "--layer", "fire6", "--top", 4, "-o", "deep.png").code == 0
    first, deep = (read_picture(Path(name)).pixels for name in ("dreamnet-filters.png", "deep.png"))
    assert np.ptp(first[20:80, 10:70].astype(int), axis=2).max() > 40
    assert np.ptp(deep.astype(int), axis=2).max() == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_classic_kernels_do_what_their_names_say(run, photo: Path, kernel: str) -> None:
    assert run("filters", photo, "--apply", kernel).code == 0
    made = read_picture(Path("photo-filters.png")).pixels.astype(float)
    before = scene().astype(float)
    assert made.shape == before.shape
    roughness = [np.abs(np.diff(values, axis=1)).mean() for values in (before, made)]
    weights = np.array(KERNEL_WEIGHTS[kernel][0])
    assert weights.sum() == pytest.approx({"edge": 0, "emboss": 0}.get(kernel, 1)) or kernel == "emboss"
    if kernel == "identity":
        np.testing.assert_array_equal(made, before)
    elif kernel in ("box", "gaussian"):
        assert roughness[1] < roughness[0]
        assert made.mean() == pytest.approx(before.mean(), abs=1)
    elif kernel in ("sharpen", "unsharp"):
        assert roughness[1] > roughness[0]
    else:
        flat = np.full((20, 20, 3), 90, np.uint8)
        Image.fromarray(flat).save("flat.png")
        run("filters", "flat.png", "--apply", kernel)
        level = read_picture(Path("flat-filters.png")).pixels
        assert int(level.min()) == int(level.max())


def test_the_layer_table(run) -> None:
    outcome = run("layers", "alexnet")
    assert outcome.code == 0
    assert "alexnet: 61,100,840 parameters; 714.2 M multiply-adds at 224x224 pixels" in outcome.out
    assert "(224 + 4 - 11) / 4 + 1 = 55.25 is not a whole number" in outcome.out
    found = json.loads(run("layers", "dreamnet", "--size", 64, "--json").out)
    assert found["size"] == 64
    assert {row["alias"] for row in found["layers"]} == {"", "low", "mid", "high"}
    assert sum(row["parameters"] for row in found["layers"]) == found["parameters"]
    by_alias = {row["alias"]: row for row in found["layers"]}
    assert [(by_alias[alias]["name"], by_alias[alias]["shape"]) for alias in ("low", "high")] == [
        ("fire4", [256, 16, 16]), ("fire9", [512, 4, 4])
    ]  # fmt: skip


def test_aliases_of_one_layer_are_shown_together(run) -> None:
    Path("net.py").write_text(
        "from torch import nn\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1))\n"
    )
    save_file(
        {"0.weight": np.ones((4, 3, 3, 3), np.float32), "0.bias": np.ones(4, np.float32),
         "1.weight": np.ones((2, 4, 1, 1), np.float32), "1.bias": np.ones(2, np.float32)}, "net.safetensors",
    )  # fmt: skip
    table = json.loads(run("layers", "net.py:net=net.safetensors", "--json").out)["layers"]
    assert ", ".join(row["alias"] for row in table) == "low, mid, high"


def test_classes_with_bars(run, photo: Path) -> None:
    Image.fromarray(scene(50, 50)).save("other.png")
    outcome = run("classify", photo, "other.png", "--top", 3)
    assert outcome.code == 0
    assert outcome.out.count("%") == 6
    (first, second) = json.loads(run("classify", photo, "other.png", "--json").out)["pictures"]
    assert len(first["classes"]) == len(second["classes"]) == 5
    assert first["input"] == str(photo)
    layer = json.loads(run("classify", photo, "--layer", "high", "--json").out)["pictures"][0]["layer"]
    assert all(name.startswith("fire") for name, _ in layer)


@pytest.mark.parametrize(("model", "layer", "dimensions"), [("dreamnet", "flatten", 2), ("lenet5", "f6", 2),
                                                            ("dreamnet", "high", 4)])  # fmt: skip
def test_the_most_active_channels_are_sorted_by_their_means(
    run, photo: Path, model: str, layer: str, dimensions: int
) -> None:
    outcome = run("classify", photo, "--layer", layer, "-m", model, "--json", "--top", 3)
    assert outcome.code == 0, outcome.err
    (answer,) = json.loads(outcome.out)["pictures"]
    network = zoo.load(model)
    name = network.layer(layer)
    assert len(network.trace.shapes[name]) == dimensions
    names, values = zip(*answer["layer"], strict=True)
    assert list(values) == sorted(values, reverse=True)
    assert all(0 <= int(each.removeprefix(f"{name}:")) < network.trace.shapes[name][1] for each in names)


@pytest.mark.parametrize("layer", [(), ("--layer", "0")], ids=str)
def test_non_finite_answers_do_not_stop_the_other_pictures(run, photo: Path, layer: tuple[str, ...]) -> None:
    Path("net.py").write_text(OVERFLOWING)
    save_file({"1.weight": np.ones((2, 3, 1, 1), np.float32), "1.bias": np.ones(2, np.float32)}, "net.safetensors")
    for name, level in (("white", 255), ("grey", 99)):
        Image.fromarray(np.full((32, 32, 3), level, np.uint8)).save(f"{name}.png")
    outcome = run("classify", "white.png", "grey.png", "-m", "net.py:net", "--weights", "net.safetensors", *layer)
    assert outcome.code == 1
    assert outcome.err == "dreamcli: white.png: the network's values aren't finite: check its weights\n"
    assert outcome.out.startswith("grey.png\n")


@pytest.mark.parametrize("layer", [(), ("--layer", "mid")], ids=str)
def test_classify_computes_in_the_precision_asked_for(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch, layer: tuple[str, ...]
) -> None:
    exact = run("classify", photo, "--json", "--precision", "float32", *layer)
    monkeypatch.setenv("DREAMCLI_PRECISION", "bfloat16")
    coarse = run("classify", photo, "--json", "--device", "cpu", *layer)
    assert exact.code == coarse.code == 0
    assert exact.out != coarse.out


def test_pictures_of_the_same_name_are_all_classified(run, photo: Path) -> None:
    for folder in ("cats", "dogs"):
        Path(folder).mkdir()
        Image.fromarray(scene(40, 40)).save(Path(folder) / "1.png")
    found = json.loads(run("classify", "cats/1.png", "dogs", "cats/1.png", "--json").out)["pictures"]
    assert [entry["input"] for entry in found] == ["cats/1.png", "dogs/1.png"]


def test_a_bad_picture_does_not_stop_the_others(run, photo: Path) -> None:
    Path("bad.png").write_text("no picture")
    outcome = run("classify", "bad.png", photo)
    assert outcome.code == 1
    assert "bad.png" in outcome.err
    assert str(photo) in outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("features",), 2, "Missing argument 'IMAGE...'"),
        (("features", "none.png"), 1, "none.png: there is no such file"),
        (("features", "photo.png", "--layer", "mif"), 2, "did you mean mid"),
        (("features", "photo.png", "--layer", "flatten"), 1, "has no rows and columns"),
        (("features", "photo.png", "--layer", "mid:3@1,1"), 2, "leave out the @Y,X"),
        (("features", "photo.png", "--channels", "9999"), 1, "there is no 9999"),
        (("features", "photo.png", "--top", "-1"), 2, "top must be from 0 to 4096"),
        (("features", "photo.png", "--colormap", "jet"), 2, "'jet' is not one of"),
        (("features", "photo.png", "--raw", "x.txt"), 2, "must end in .npz"),
        (("features", "photo.png", "photo.png", "--raw", "nowhere/x/photo.png"), 2, "must end in .npz"),
        (("filters", "photo.png"), 2, "name a kernel for the IMAGE with --apply"),
        (("filters", "--apply", "edge"), 2, "--apply needs an IMAGE"),
        (("filters", "photo.png", "--apply", "blur"), 2, "'blur' is not one of"),
        (("filters", "photo.png", "--apply", "edge", "--layer", "mid"), 2, "--apply shows no filters"),
        (("filters", "photo.png", "--apply", "edge", "--top", "3"), 2, "leave out --layer, --top and --colormap"),
        (("filters", "photo.png", "--apply", "edge", "--colormap", "magma"), 2, "--apply shows no filters"),
        (("filters", "--size", "40"), 2, "--size only works with --apply"),
        (("filters", "--layer", "pool1"), 1, "pool1 isn't a convolution"),
        (("filters", "--layer", "fire6:3"), 2, "leave out the channel and the weight"),
        (("features", "photo.png", "--layer", "mid*2"), 2, "leave out the *WEIGHT"),
        (("classify", "photo.png", "--layer", "mid:2"), 2, "leave out the channel"),
        (("classify", "photo.png", "--layer", "mid*2"), 2, "leave out the channel and the weight"),
        (("classify", "photo.png", "--top", "0"), 2, "top must be from 1 to 1000, not 0"),
        (("classify", "photo.png", "--size", "40"), 2, "No such option '--size'"),
        (("layers", "vgg61"), 2, "there is no model 'vgg61'"),
        (("layers", "alexnet", "--size", "20"), 1, "a picture of 20x20 pixels doesn't fit"),
        (("layers", "--size", "0"), 2, "0 is not in the range"),
        (("classify", "photo.png", "--device", "gpu"), 2, "'gpu' is not one of"),
        (("classify", "none.png"), 1, "none.png: there is no such file"),
        (("classify", "photo.png", "--layer", "mif"), 2, "did you mean mid"),
    ],
    ids=str,
)
def test_a_wrong_command_line_prints_one_line(
    run, photo: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    outcome = run(*arguments)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert sorted(p.name for p in Path().iterdir()) == ["photo.png"]


def test_colors_run_from_dark_to_bright() -> None:
    for colormap in ("viridis", "magma", "grey"):
        ramp = colored(np.linspace(0, 1, 9), colormap).astype(int).sum(1)
        assert list(ramp) == sorted(ramp)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_pixel_is_worked_out_as_the_picture_shows_it(run, photo: Path, kernel: str) -> None:
    assert run("filters", photo, "--apply", kernel).code == 0
    made = read_picture(Path("photo-filters.png")).pixels
    for row, column in ((0, 0), (20, 31), (59, 79)):
        outcome = run("filters", photo, "--apply", kernel, "--at", f"{row},{column}")
        assert outcome.code == 0, outcome.err
        sums = [int(line.rpartition(" ")[2]) for line in outcome.out.splitlines() if line.startswith("sum")]
        assert np.abs(np.array(sums) - made[row, column]).max() <= 1


def test_a_pixel_that_is_not_there_is_refused(run, photo: Path) -> None:
    for arguments, problem in (
        (("--apply", "edge", "--at", "60,0"), "60 rows and 80 columns"),
        (("--apply", "edge", "--at", "6"), "not of the form Y,X"),
        (("--at", "6,6"), "name a kernel for the IMAGE with --apply, such as --apply edge"),
        (("--apply", "edge", "--at", "1,1", photo), "one IMAGE"),
    ):
        outcome = run("filters", photo, *arguments)
        assert outcome.code == 2, arguments
        assert problem in outcome.err


@pytest.mark.parametrize("command", ["layers", "microscope"])
def test_a_network_is_an_argument_or_an_option(run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("--dry-run",) if command == "microscope" else ()
    by_argument, by_option = run(command, "lenet5", *more), run(command, "--model", "lenet5", *more)
    assert by_argument.code == by_option.code == 0
    assert (by_argument.out, by_argument.err) == (by_option.out, by_option.err)
    assert (by_argument.out, by_argument.err) != (run(command, *more).out, run(command, *more).err)
    both = run(command, "lenet5", "-m", "dreamnet", *more)
    assert (both.code, both.err) == (
        2,
        f"dreamcli: MODEL and --model can't be combined (see dreamcli {command} --help)\n",
    )
    assert run(command, "lenet5+dreamnet", *more).err == (
        "dreamcli: this works with one network at a time, not with lenet5+dreamnet\n"
    )
    monkeypatch.setenv("DREAMCLI_MODEL", "lenet5")
    by_variable = run(command, *more)
    assert (by_variable.out, by_variable.err) == (by_option.out, by_option.err)
    assert run(command, "squeezenet1_0", *more).code == 0


def test_the_textbooks_network_is_easy_to_look_at(run, photo: Path) -> None:
    wrong_size = run("layers", "lenet5", "--size", 28)
    assert (wrong_size.code, wrong_size.err) == (
        2, "dreamcli: lenet5 takes pictures of 32x32 pixels only, not 28x28\n"
    )  # fmt: skip
    assert "lenet5 has no layer 'c3'; did you mean maps.c3?" in run("filters", "-m", "lenet5", "--layer", "c3").err
    assert run("filters", "-m", "lenet5").code == 0
    with Image.open("lenet5-filters.png") as sheet:
        assert sheet.width > 6 * 96  # six filters, and room for their names
    assert run("features", photo, "-m", "lenet5", "--layer", "high").code == 0
    with Image.open("photo-features.png") as sheet:
        colors = sheet.convert("RGB").getcolors(2**16)
    assert colors is not None
    assert len({color for count, color in colors if count > 100}) > 8  # one for each of many values
