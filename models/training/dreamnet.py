"""Train dreamnet: block by block, then end to end. See README.md beside this file.

    python -m models.training.dreamnet --data DATA --teacher TEACHER.safetensors --run RUN

Phases, resumed from RUN/checkpoint.pt after an interruption:

1. ``blocks``: every block is fed the teacher's activations of the block before, each channel divided
   by its RMS over photographs, and regresses the teacher's next ones; all blocks at once (as in FitNets,
   Romero et al. 2014, arXiv:1412.6550, but for the whole depth in parallel).
2. ``whole``: the same losses on the student's own activations, KL to the teacher's logits (Hinton et al.
   2015, arXiv:1503.02531), and cross-entropy over the classes that the small photographs have.
3. ``labels``: the same, with more weight on the labels.
4. ``classes``: the same, with less weight on the labels and more on the teacher's opinion of what is where: its
   scores of every class at every place (its class map, before the ReLU) are regressed too.
"""

from __future__ import annotations

import argparse
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

from dreamcli.networks.dreamnet import DreamNet

from .data import HELD_OUT_EVERY, UNLABELLED, Mixture, halves, load_sharp, load_small, normalise, square

# phase: (steps, peak learning rate, weight of features, of the class map, of KL, of labels)
PHASES = {
    "blocks": (900, 4e-3, 1.0, 0.0, 0.5, 0.0),
    "whole": (3600, 2e-3, 1.0, 0.0, 1.0, 0.5),
    "labels": (1800, 1.2e-3, 0.5, 0.0, 1.0, 1.0),
    "classes": (3600, 1.5e-3, 0.5, 1.0, 2.0, 0.2),
}
HELD_OUT_SIZE = 224
TEMPERATURE = 2.0
WEIGHT_DECAY = 1e-3

# the student's blocks, and the index in the teacher's `features` after which each one's target stands
BLOCKS = {
    "fire2": (("stem", "pool1", "fire2"), 3),
    "fire3": (("fire3",), 4),
    "fire4": (("fire4",), 5),
    "fire5": (("pool4", "fire5"), 7),
    "fire6": (("fire6",), 8),
    "fire7": (("fire7",), 9),
    "fire8": (("fire8",), 10),
    "fire9": (("pool8", "fire9"), 12),
}


class Teacher(nn.Module):
    """SqueezeNet 1.0 with ImageNet weights, frozen; gives what the student is to imitate."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.network = torchvision.models.squeezenet1_0()
        self.network.load_state_dict(load_file(weights))
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Give eight blocks' activations and the class map before its ReLU, and ``(N, 1000)`` logits.

        The input is padded by 3 so that the teacher's grid is the student's.
        """
        x = F.pad(x, (3, 3, 3, 3))
        ends = {end for _, end in BLOCKS.values()}
        activations = []
        for index, layer in enumerate(self.network.features):
            x = layer(x)
            if index in ends:
                activations.append(x)
        class_map = self.network.classifier[:2](x)
        return [*activations, class_map], class_map.relu().mean((2, 3))


def run_block(student: DreamNet, block: str, x: Tensor) -> Tensor:
    for layer in BLOCKS[block][0]:
        x = getattr(student, layer)(x)
    return x


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    return F.mse_loss(found.float(), wanted.float()) / wanted.float().pow(2).mean()


@torch.no_grad()
def channel_rms(teacher: Teacher, mixture: Mixture, device: torch.device, batches: int = 8) -> list[Tensor]:
    """Measure the RMS of each of the teacher's channels in each block, shaped ``(1, C, 1, 1)``."""
    generator = torch.Generator().manual_seed(1)
    squares: list[Tensor] = []
    for _ in range(batches):
        activations, _ = teacher(mixture.batch(generator)[0].to(device))
        now = [a.pow(2).mean((0, 2, 3), keepdim=True) for a in activations[:-1]]
        squares = [s + n for s, n in zip(squares, now, strict=True)] if squares else now
    return [(s / batches).sqrt().clamp(min=1e-3) for s in squares]


def losses(
    student: DreamNet, targets: list[Tensor], logits: Tensor, x: Tensor, labels: Tensor, phase: str, known: Tensor
) -> tuple[Tensor, list[float]]:
    """The phase's total loss, and its parts for the log: blocks' and class map's relative errors, KL, cross-entropy."""
    _, _, feature_weight, map_weight, kl_weight, label_weight = PHASES[phase]
    *blocks, class_map = targets
    fed, found = x, []
    for block, target in zip(BLOCKS, blocks, strict=True):
        found.append(run_block(student, block, fed))
        fed = target if phase == "blocks" else found[-1]
    errors = [relative_error(f, t) for f, t in zip(found, blocks, strict=True)]
    # before the ReLU, where every place of every picture speaks about all classes, also those of no picture here
    found_map = student.classes(found[-1]).float()
    map_error = F.mse_loss(found_map, class_map.float()) / class_map.float().var()
    scores = student.softplus(found_map).mean((2, 3))
    kl = F.kl_div(
        F.log_softmax(scores / TEMPERATURE, 1),
        F.log_softmax(logits.float() / TEMPERATURE, 1),
        log_target=True,
        reduction="batchmean",
    )
    # cross-entropy among the classes of the small photographs only: the others are too few to be
    # compared with, and would be unlearnt
    column = torch.full((scores.shape[1],), UNLABELLED, device=x.device)
    column[known] = torch.arange(len(known), device=x.device)
    wanted = torch.where(labels == UNLABELLED, UNLABELLED, column[labels])
    entropy = F.cross_entropy(scores[:, known], wanted, ignore_index=UNLABELLED, label_smoothing=0.05)
    total = feature_weight * torch.stack(errors).sum() + map_weight * map_error
    total = total + kl_weight * kl + label_weight * entropy
    return total, [part.item() for part in (*errors, map_error, kl, entropy)]


@torch.no_grad()
def held_out_top5(student: DreamNet, pictures: Tensor, labels: Tensor) -> float:
    """The share of photographs whose class is among the student's first five."""
    student.eval()
    with torch.autocast(pictures.device.type, torch.bfloat16):
        scores = torch.cat([student(normalise(some)) for some in pictures.split(50)])
    student.train()
    return (scores.topk(5).indices == labels[:, None]).any(1).float().mean().item()


def learning_rate(step: int, steps: int, peak: float) -> float:
    warm_up = min(1.0, (step + 1) / 50)
    return peak * warm_up * 0.5 * (1 + math.cos(math.pi * step / steps))


def train(arguments: argparse.Namespace) -> None:
    device = torch.device(arguments.device)
    torch.manual_seed(arguments.seed)
    arguments.run.mkdir(parents=True, exist_ok=True)
    data = arguments.data
    sharp, indices, wordnet = load_sharp(data / "imagenet-samples" / "images.zip")
    kept = [i for i, index in enumerate(indices) if index % HELD_OUT_EVERY]
    small, small_labels = load_small(sorted((data / "tiny-imagenet").glob("train-*.zip")), wordnet)
    mixture = Mixture(small, small_labels, [sharp[i] for i in kept], torch.tensor([indices[i] for i in kept]))
    known = small_labels.unique().to(device)
    others = [i for i, index in enumerate(indices) if index % HELD_OUT_EVERY == 0]
    held_out = torch.stack([TF.resize(square(sharp[i]), [HELD_OUT_SIZE] * 2) for i in others]).to(device)
    held_out_labels = torch.tensor([indices[i] for i in others], device=device)

    teacher = Teacher(arguments.teacher).to(device, memory_format=torch.channels_last)
    student = DreamNet().to(device, memory_format=torch.channels_last)
    scales = channel_rms(teacher, mixture, device)
    optimizer = torch.optim.AdamW(student.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    checkpoint = arguments.run / "checkpoint.pt"
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]

    def draw(step: int) -> tuple[Tensor, Tensor]:
        return mixture.batch(torch.Generator().manual_seed(arguments.seed * 1_000_000 + step))

    schedule = [(phase, step) for phase, (steps, *_) in PHASES.items() for step in range(steps)]
    started = time.monotonic()
    with ThreadPoolExecutor(1) as ahead, (arguments.run / "log.tsv").open("a", buffering=1) as log:
        log.write("\t".join(["step", "phase", "seconds", "loss", *BLOCKS, "map", "kl", "entropy"]) + "\n")
        upcoming = ahead.submit(draw, done)
        for index, (phase, step) in enumerate(schedule[done:], done):
            x, labels = (t.to(device) for t in upcoming.result())
            upcoming = ahead.submit(draw, index + 1)
            x = x.to(memory_format=torch.channels_last)
            steps, peak, *_ = PHASES[phase]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, peak)
            with torch.autocast(device.type, torch.bfloat16):
                with torch.no_grad():
                    activations, logits = teacher(x)
                    *blocks, class_map = activations
                    targets = [a / s.to(a.dtype) for a, s in zip(blocks, scales, strict=True)] + [class_map]
                loss, parts = losses(student, targets, logits, x, labels, phase, known)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done = index + 1
            if done % 20 == 0:
                row = [done, phase, f"{time.monotonic() - started:.0f}", f"{loss.item():.4f}"]
                log.write("\t".join(map(str, row)) + "\t" + "\t".join(f"{p:.3f}" for p in parts) + "\n")
            if done % 200 == 0:
                log.write(f"{done}\theld-out top-5\t{held_out_top5(student, held_out, held_out_labels):.3f}\n")
            if done % 100 == 0 or done == len(schedule):
                state = {
                    "student": student.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "done": done,
                }
                torch.save(state, checkpoint.with_suffix(".partial"))
                checkpoint.with_suffix(".partial").rename(checkpoint)
                save_file(halves(student), arguments.run / "dreamnet.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tiny-imagenet/ and imagenet-samples/")
    parser.add_argument("--teacher", type=Path, required=True, help="SqueezeNet 1.0's weights, a safetensors file")
    parser.add_argument("--run", type=Path, required=True, help="where checkpoints, log and weights go")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
