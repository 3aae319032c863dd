"""Train LeNet-5 on handwritten digits: see README.md in this folder.

python -m models.training.lenet5 --data DATA --output lenet5.safetensors

Adversarial training: every digit is first changed to be mistaken for another (Madry et al., 2018, arXiv:1706.06083),
within an L2 distance at which a person still reads it. Asked for a three, such a network draws a three.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from dreamcli.networks.architectures.lenet5 import SIZE, LeNet5

from .data import halves

MEAN, STD = 0.1, 0.28  # of the digits' pixels, bordered to 32x32; as in the zoo
HELD_OUT = 1000
EPOCHS, BATCH, PEAK_LEARNING_RATE = 40, 100, 4e-3
DISTANCE, ATTACK_STEPS, ATTACK_STEP = 2.0, 3, 1.0  # in units of black to white, over the whole picture


def read_idx(path: Path) -> np.ndarray:
    """Read an array of uint8 from a gzipped file in the format of MNIST."""
    contents = gzip.decompress(path.read_bytes())
    dimensions = contents[3]
    shape = np.frombuffer(contents, ">i4", dimensions, 4)
    return np.frombuffer(contents, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load_digits(folder: Path) -> tuple[Tensor, Tensor]:
    """Load ``(N, 1, 32, 32)`` in [0, 1], white on black, and the digits ``(N,)``."""
    images, labels = (read_idx(next(folder.glob(f"*{kind}*.gz"))) for kind in ("images", "labels"))
    border = (SIZE - images.shape[1]) // 2
    pictures = F.pad(torch.tensor(images).float().div(255), (border,) * 4)
    return pictures[:, None], torch.tensor(labels).long()


def distort(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, scale, shear and shift each digit a little."""
    count = len(pictures)
    angle, scale, shear = (spread * torch.randn(count, generator=generator) for spread in (0.15, 0.08, 0.12))
    rows = [
        torch.stack(
            [angle.cos() * (1 + scale), shear - angle.sin(), 0.08 * torch.randn(count, generator=generator)], 1
        ),
        torch.stack([angle.sin(), angle.cos() * (1 + scale), 0.08 * torch.randn(count, generator=generator)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, align_corners=False)


def normalize(pictures: Tensor) -> Tensor:
    """Turn ``(N, 1, 32, 32)`` in [0, 1] into the network's input, ``(N, 3, 32, 32)``."""
    return ((pictures - MEAN) / STD).expand(-1, 3, -1, -1)


def attack(network: LeNet5, pictures: Tensor, digits: Tensor) -> Tensor:
    """Change pictures within DISTANCE so that the network is as wrong as may be, by projected gradient ascent."""
    change = torch.zeros_like(pictures)
    for _ in range(ATTACK_STEPS):
        change.requires_grad_()
        loss = F.cross_entropy(network(normalize(pictures + change)), digits)
        (gradient,) = torch.autograd.grad(loss, change)
        with torch.no_grad():
            length = gradient.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
            change = change + ATTACK_STEP * gradient / length
            far = change.flatten(1).norm(dim=1).clamp(min=DISTANCE).view(-1, 1, 1, 1)
            change = (pictures + change * DISTANCE / far).clamp(0, 1) - pictures
    return (pictures + change).detach()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with mnist/")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    pictures, digits = load_digits(arguments.data / "mnist")
    order = torch.randperm(len(pictures), generator=generator)
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    network = LeNet5()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = EPOCHS * (len(rest) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, steps)
    for epoch in range(EPOCHS):
        shuffled = rest[torch.randperm(len(rest), generator=generator)]
        for chosen in shuffled[: len(rest) // BATCH * BATCH].split(BATCH):
            hard = attack(network, distort(pictures[chosen], generator), digits[chosen])
            loss = F.cross_entropy(network(normalize(hard)), digits[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            with torch.inference_mode():
                right = (network(normalize(pictures[held_out])).argmax(1) == digits[held_out]).float().mean()
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}, {HELD_OUT} digits held out: {right:.2%}", flush=True)
    save_file(halves(network), arguments.output)


if __name__ == "__main__":
    main()
