"""Compare dreamnet's dreams with its teacher's, and measure them: see README.md in this folder.

    python -m models.training.compare --teacher TEACHER.safetensors --output SHEET.jpg

Dreams on every sample photograph at low, mid and high with the default settings, once with each network. Prints, for
each, the share of energy in high frequencies and at a checkerboard's, and how colorful the change is; then the time of
a step at 512 px.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.bare import bare_seconds
from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import dream
from dreamcli.art.pixels import to_tensor
from dreamcli.art.sheet import contact_sheet
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import high_frequency_share
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks import zoo
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import ALIASES, LayerSpec

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SIZE, STEP_SIZE = 320, 512


def checkerboard(made: Pixels, photo: Pixels) -> float:
    """The share of the change's energy within 1/32 cycle a pixel of the frequencies 1/2 and 1/4, along either axis."""
    change = (made.astype(float) - photo).mean(2)
    energy = np.abs(np.fft.fft2(change - change.mean())) ** 2
    near = [
        np.minimum(abs(abs(np.fft.fftfreq(n)) - 0.5), abs(abs(np.fft.fftfreq(n)) - 0.25)) < 1 / 32 for n in change.shape
    ]
    return float(energy[near[0][:, None] | near[1][None, :]].sum() / energy.sum())


def colorfulness(made: Pixels, photo: Pixels) -> float:
    """How far the change departs from gray, as a share of the whole change."""
    change = made.astype(float) - photo
    return float(np.abs(change - change.mean(2, keepdims=True)).mean() / np.abs(change).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    compute = Compute.resolve()
    networks = {"dreamnet": zoo.load(), "SqueezeNet": zoo.load("squeezenet1_0", arguments.teacher)}
    pictures, captions = [], []
    for path in sorted(SAMPLES.glob("*.jpg")):
        with Image.open(path) as image:
            scale = SIZE / max(image.size)
            photo = np.array(image.convert("RGB").resize((round(image.width * scale), round(image.height * scale))))
        for name, network in networks.items():
            for alias in ALIASES:
                settings = DreamSettings(layers=(LayerSpec(alias),))
                made = dream(settings, network, Inputs(Picture(photo)), compute)[0].pixels
                pictures.append(made)
                captions.append(f"{name}, {alias}")
                high = high_frequency_share(to_tensor(made, torch.device("cpu")))
                print(
                    f"{path.stem} {name} {alias}: high frequencies {high:.3f}, "
                    f"checkerboard {checkerboard(made, photo):.4f}, color {colorfulness(made, photo):.2f}",
                    flush=True,
                )
    Image.fromarray(contact_sheet(pictures, captions, 2 * len(ALIASES))).save(arguments.output, quality=88)
    for alias in ALIASES:
        seconds = [bare_seconds(n, n.layer(alias), STEP_SIZE, STEP_SIZE, compute) for n in networks.values()]
        print(f"a step at {STEP_SIZE} px, {alias}: {seconds[0] / seconds[1]:.2f} of SqueezeNet's")


if __name__ == "__main__":
    main()
