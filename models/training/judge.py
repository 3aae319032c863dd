"""Train the judge of class images: a residual network that learns from Tiny-ImageNet's labels alone.

    python -m models.training.judge --data DATA --run RUN

dreamnet has a teacher, and neither may judge what dreamnet draws. The judge shares no layer, no teacher and no
sharp photograph with it: it sees 64x64 photographs and their 200 labels. It is for measuring and is not shipped;
dreamcli takes it, too: ``--judge models/training/judge.py:Judge=RUN/judge.safetensors``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from dreamcli.networks.registry import imagenet_labels

SIZE = 56
BATCH = 128
PEAK_LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.05


def _unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016, arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_unit(inputs, outputs, stride), nn.SiLU(), _unit(outputs, outputs))
        self.shortcut = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False))
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.branch(x) + self.shortcut(x))


class Judge(nn.Module):
    """``(N, 3, 64, 64)`` normalized RGB to ``(N, 200)`` logits, in the order of the classes' ImageNet indices."""

    image_size = 64

    def __init__(self, num_classes: int = 200) -> None:
        super().__init__()
        self.register_buffer("classes", torch.zeros(num_classes))  # their ImageNet indices
        self.body = nn.Sequential(
            _unit(3, 32, 2),
            nn.SiLU(),
            Residual(32, 64, 2),
            Residual(64, 128, 2),
            Residual(128, 128, 1),
            Residual(128, 256, 2),
            Residual(256, 256, 1),
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(256, num_classes))

    @property
    def labels(self) -> list[str]:
        """The names of the classes."""
        return [imagenet_labels()[int(index)] for index in self.classes]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def load_judge(weights: Path) -> Judge:
    judge = Judge()
    judge.load_state_dict(load_file(weights), strict=False)
    return judge.eval()


def _augment(pictures: Tensor) -> Tensor:
    """Cut one random square size at a random place out of ``(N, 3, S, S)``, resize, mirror half."""
    whole = pictures.shape[-1]
    side = int(torch.randint(whole // 2, whole + 1, ()))
    tops, lefts = torch.randint(whole - side + 1, (2, len(pictures))).tolist()
    cut = torch.stack([p[:, y : y + side, x : x + side] for p, y, x in zip(pictures, tops, lefts, strict=True)])
    resized = F.interpolate(cut, (SIZE, SIZE), mode="bilinear", antialias=True)
    return torch.where(torch.rand(len(pictures), 1, 1, 1) < 0.5, resized.flip(3), resized)


def train(arguments: argparse.Namespace) -> None:
    # not at the top: dreamcli runs this file for the class alone, outside of its package
    from .data import halves, load_sharp_names, load_small, normalize

    torch.manual_seed(arguments.seed)
    wordnet = load_sharp_names(arguments.data / "imagenet-samples" / "images.zip")
    pictures, labels = load_small(sorted((arguments.data / "tiny-imagenet").glob("train-*.zip")), wordnet)
    classes, labels = labels.unique(return_inverse=True)
    device = torch.device(arguments.device)
    judge = Judge()
    judge.classes.copy_(classes)
    judge = judge.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=WEIGHT_DECAY)
    steps = arguments.epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, steps, pct_start=0.15)
    started = time.monotonic()
    for epoch in range(arguments.epochs):
        order = torch.randperm(len(labels))
        for step, chosen in enumerate(order[: len(order) // BATCH * BATCH].split(BATCH)):
            x = _augment(normalize(pictures[chosen])).to(device, memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16):
                scores = judge(x)
            loss = F.cross_entropy(scores.float(), labels[chosen].to(device), label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % 50 == 0:
                print(epoch, step, f"{loss.item():.3f}", f"{time.monotonic() - started:.0f} s", flush=True)
    arguments.run.mkdir(parents=True, exist_ok=True)
    save_file(halves(judge), arguments.run / "judge.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tiny-imagenet/ and imagenet-samples/")
    parser.add_argument("--run", type=Path, required=True, help="where judge.safetensors goes")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
