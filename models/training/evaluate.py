"""Measure dreamnet's figures and its teacher's: see README.md in this folder.

python -m models.training.evaluate --data DATA --teacher TEACHER.safetensors WEIGHTS
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

from dreamcli.engine.compute import Compute
from dreamcli.networks import zoo

from .data import HELD_OUT_EVERY, SHARP_SIZE, load_sharp, load_small, normalize, square

SMALL_SIZES = (64, 96, 128, 160)
SHARP_SIZES = (160, 224)

Classifier = Callable[[Tensor], Tensor]


@torch.inference_mode()
def accuracy(classify: Classifier, pictures: Tensor, labels: Tensor, size: int, known: Tensor | None) -> str:
    """Top-1 and top-5 in percent at ``size`` px, among the classes ``known`` (all, if None)."""
    hits = torch.zeros(2)
    device = Compute.resolve().device
    for some, wanted in zip(pictures.split(200), labels.split(200), strict=True):
        x = normalize(some.to(device))
        resized = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
        with torch.autocast(device.type, torch.bfloat16):
            scores = classify(resized.contiguous(memory_format=torch.channels_last)).float().cpu()
        if known is not None:
            hidden = torch.full_like(scores, -torch.inf)
            hidden[:, known] = scores[:, known]
            scores = hidden
        right = scores.topk(5).indices == wanted[:, None]
        hits += torch.stack([right[:, 0].sum(), right.any(1).sum()])
    top1, top5 = (100 * hits / len(labels)).tolist()
    return f"{top1:.1f} / {top5:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("weights", type=Path)
    arguments = parser.parse_args()
    networks = {
        "dreamnet": zoo.load("dreamnet", arguments.weights),
        "teacher (SqueezeNet 1.0)": zoo.load("squeezenet1_0", arguments.teacher),
    }
    sharp, indices, wordnet = load_sharp(arguments.data / "imagenet-samples" / "images.zip")
    held_out = [i for i, index in enumerate(indices) if index % HELD_OUT_EVERY == 0]
    sharp_pictures = torch.stack([TF.resize(square(sharp[i]), [SHARP_SIZE] * 2) for i in held_out])
    sharp_labels = torch.tensor([indices[i] for i in held_out])
    small, small_labels = load_small([arguments.data / "tiny-imagenet" / "val.zip"], wordnet)
    known = small_labels.unique()
    device = Compute.resolve().device
    for name, network in networks.items():
        module = network.module.to(device, memory_format=torch.channels_last)
        print(f"{name}: top-1 / top-5 in %")
        for size in SMALL_SIZES:
            print(f"  Tiny-ImageNet's validation set, its 200 classes, {size} px:", end=" ", flush=True)
            print(accuracy(module, small, small_labels, size, known), flush=True)
        for size in SHARP_SIZES:
            print(f"  {len(held_out)} sharper photographs held out, 1,000 classes, {size} px:", end=" ", flush=True)
            print(accuracy(module, sharp_pictures, sharp_labels, size, None), flush=True)
        seen = torch.isin(sharp_labels, known)
        print(f"  the {int(seen.sum())} of them whose class is in Tiny-ImageNet, 224 px:", end=" ", flush=True)
        print(accuracy(module, sharp_pictures[seen], sharp_labels[seen], 224, None), flush=True)


if __name__ == "__main__":
    main()
