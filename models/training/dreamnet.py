"""Train dreamnet: block by block, then end to end. See README.md in this folder.

    python -m models.training.dreamnet --data DATA --teacher TEACHER.safetensors --run RUN

Phases, resumed from RUN/checkpoint.pt after an interruption:

1. ``blocks``: every block is fed the teacher's activations of the block before, each channel divided
   by its RMS over photographs, and regresses the teacher's next ones; all blocks at once (as in FitNets,
   Romero et al. 2014, arXiv:1412.6550, but for the whole depth in parallel).
2. ``whole``: the same losses on the student's own activations; the teacher's scores of every class at every place
   (its class map, before the ReLU) are regressed too; KL to its logits (Hinton et al. 2015, arXiv:1503.02531); and
   cross-entropy over the classes that the small photographs have.
3. ``deep``: the same for the deeper blocks alone, which costs less.
4. ``large``: the same as ``whole`` on larger crops, as large as pictures that people dream on.

In the end, the weights after the last two are averaged.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

from dreamcli.networks.architectures.dreamnet import DreamNet, Fire

from .data import (
    HELD_OUT_EVERY,
    SHARP_SIZE,
    UNLABELED,
    Mixture,
    halves,
    load_sharp,
    load_small,
    normalize,
    square,
    three_squares,
)


@dataclass(frozen=True)
class Phase:
    """A part of the training.

    Attributes:
        steps: how many.
        rate: the peak learning rate.
        size: of the crops, in pixels.
        features, class_map, opinion, labels: the weights of the losses (opinion: KL to the teacher's).
        first: the first block that learns; those before it stay as they are.
    """

    steps: int
    rate: float
    size: int
    features: float
    class_map: float
    opinion: float
    labels: float
    first: str = "fire2"


BATCH = 64
PHASES = {
    "blocks": Phase(200, 3e-3, 112, 1.0, 0.0, 0.5, 0.0),
    "whole": Phase(800, 1.5e-3, 112, 0.5, 1.0, 2.0, 0.2),
    "deep": Phase(2000, 1.5e-3, 112, 0.5, 1.0, 2.0, 0.2, first="fire5"),
    "large": Phase(1000, 1e-3, 160, 0.3, 1.0, 2.0, 0.2),
}
AVERAGED = ("deep", "large")
HELD_OUT_SIZE = 224
SMALL_VALIDATION_SIZE = 128
TEMPERATURE = 2.0
WEIGHT_DECAY = 5e-3

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


@dataclass
class Lesson:
    """What the student is to learn of a batch.

    Attributes:
        blocks: the teacher's activations, each channel divided by its RMS.
        class_map: its class scores at every place, before the ReLU.
        logits: ``(N, 1000)``.
        labels: ``(N,)``, or UNLABELED.
    """

    blocks: list[Tensor]
    class_map: Tensor
    logits: Tensor
    labels: Tensor


def run_block(student: DreamNet, block: str, x: Tensor) -> Tensor:
    for layer in BLOCKS[block][0]:
        x = getattr(student, layer)(x)
    return x


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    return F.mse_loss(found.float(), wanted.float()) / wanted.float().pow(2).mean()


@torch.no_grad()
def channel_rms(teacher: Teacher, mixture: Mixture, generator: torch.Generator, batches: int = 4) -> list[Tensor]:
    """Measure the RMS of each of the teacher's channels in each block, shaped ``(1, C, 1, 1)``."""
    squares: list[Tensor] = []
    for _ in range(batches):
        activations, _ = teacher(mixture.batch(BATCH // 2, 112, generator)[0])
        now = [a.pow(2).mean((0, 2, 3), keepdim=True) for a in activations[:-1]]
        squares = [s + n for s, n in zip(squares, now, strict=True)] if squares else now
    return [(s / batches).sqrt().clamp(min=1e-3) for s in squares]


class Losses(nn.Module):
    """How far the student is from its lesson: ``(9 + 2,)`` parts, unweighted, for the sum and the log.

    The parts: the relative errors of eight blocks and of the class map, KL, cross-entropy.
    """

    def __init__(self, student: DreamNet, known: Tensor, *, in_blocks: bool) -> None:
        super().__init__()
        self.student = student
        self.in_blocks = in_blocks
        self.register_buffer("known", known)
        # cross-entropy among the classes of the small photographs only: the others are too few to be compared with,
        # and would be unlearned
        column = torch.full((1001,), UNLABELED, device=known.device)  # the last: of UNLABELED
        column[known] = torch.arange(len(known), device=known.device)
        self.register_buffer("column", column)

    def forward(self, x: Tensor, lesson: Lesson) -> Tensor:
        fed, found = x, []
        for block, target in zip(BLOCKS, lesson.blocks, strict=True):
            found.append(run_block(self.student, block, fed))
            fed = target if self.in_blocks else found[-1]
        errors = [relative_error(f, t) for f, t in zip(found, lesson.blocks, strict=True)]
        # before the ReLU, where every place of every picture speaks about all classes, also those of no picture here
        found_map = self.student.classes(found[-1]).float()
        map_error = F.mse_loss(found_map, lesson.class_map.float()) / lesson.class_map.float().var()
        scores = self.student.softplus(found_map).mean((2, 3))
        kl = F.kl_div(
            F.log_softmax(scores / TEMPERATURE, 1),
            F.log_softmax(lesson.logits.float() / TEMPERATURE, 1),
            log_target=True,
            reduction="batchmean",
        )
        wanted = self.column[lesson.labels]
        entropy = F.cross_entropy(scores[:, self.known], wanted, ignore_index=UNLABELED, label_smoothing=0.05)
        return torch.stack([*errors, map_error, kl, entropy])


def narrowed(state: dict[str, Tensor], student: DreamNet) -> dict[str, Tensor]:
    """Fit the weights of a dreamnet with wider squeeze layers to a narrower one's: keep the channels that matter most.

    What a channel matters is its batch normalization's scale times the norm of the weights that expand it.
    """
    state = {name: value.float() for name, value in state.items()}
    for name, module in student.named_modules():
        if not isinstance(module, Fire):
            continue
        expansions = [f"{name}.expand1x1.conv.weight", f"{name}.expand3x3.conv.weight"]
        use = sum(state[expansion].square().sum((0, 2, 3)) for expansion in expansions)
        matters = state[f"{name}.squeeze.norm.weight"].square() * use
        kept = matters.topk(module.squeeze.conv.out_channels).indices.sort().values
        for part in [part for part in state if part.startswith(f"{name}.squeeze.") and state[part].dim()]:
            state[part] = state[part][kept]
        for expansion in expansions:
            state[expansion] = state[expansion][:, kept]
    return state


def learn_from(student: DreamNet, first: str) -> None:
    """Freeze the blocks before ``first``."""
    student.requires_grad_(True)
    for block in list(BLOCKS)[: list(BLOCKS).index(first)]:
        for layer in BLOCKS[block][0]:
            getattr(student, layer).requires_grad_(False)


def weights_of(phase: Phase, device: torch.device) -> Tensor:
    """What each of the parts of `Losses` counts in a phase."""
    return torch.tensor([phase.features] * len(BLOCKS) + [phase.class_map, phase.opinion, phase.labels], device=device)


@torch.no_grad()
def averaged(runs: Sequence[dict[str, Tensor]], mixture: Mixture, generator: torch.Generator) -> DreamNet:
    """Average several students' weights, and measure the batch norms' statistics again.

    Weights near the end of one run lie around a better place than any of them (Izmailov et al., 2018,
    arXiv:1803.05407).
    """
    student = DreamNet()
    student.load_state_dict(
        {name: sum(state[name].float() for state in runs) / len(runs) for name in runs[0]}, strict=False
    )
    student.to(generator.device, memory_format=torch.channels_last)
    for module in student.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    student.train()
    for size in (PHASES[name].size for name in AVERAGED * 8):
        x, _ = mixture.batch(BATCH, size, generator)
        with torch.autocast(generator.device.type, torch.bfloat16):
            student(x.contiguous(memory_format=torch.channels_last))
    return student.eval()


@torch.no_grad()
def top5(student: DreamNet, pictures: Tensor, labels: Tensor, size: int, known: Tensor | None = None) -> float:
    """The share of photographs whose class is among the student's first five (of those ``known``)."""
    student.eval()
    hits = 0
    for some, wanted in zip(pictures.split(200), labels.split(200), strict=True):
        x = F.interpolate(normalize(some), (size, size), mode="bilinear", antialias=True)
        with torch.autocast(pictures.device.type, torch.bfloat16):
            scores = student(x.contiguous(memory_format=torch.channels_last))
        best = scores.topk(5).indices if known is None else known[scores[:, known].topk(5).indices]
        hits += int((best == wanted[:, None]).any(1).sum())
    student.train()
    return hits / len(labels)


def learning_rate(step: int, phase: Phase) -> float:
    warm_up = min(1.0, (step + 1) / 100)
    return phase.rate * warm_up * 0.5 * (1 + math.cos(math.pi * step / phase.steps))


def train(arguments: argparse.Namespace) -> None:
    device = torch.device(arguments.device)
    torch.manual_seed(arguments.seed)
    torch.backends.cudnn.benchmark = True
    arguments.run.mkdir(parents=True, exist_ok=True)
    data = arguments.data
    sharp, indices, wordnet = load_sharp(data / "imagenet-samples" / "images.zip")
    kept = [i for i, index in enumerate(indices) if index % HELD_OUT_EVERY]
    small, small_labels = load_small(sorted((data / "tiny-imagenet").glob("train-*.zip")), wordnet)
    seen, seen_labels = (t.to(device) for t in load_small([data / "tiny-imagenet" / "val.zip"], wordnet))
    mixture = Mixture(
        small.to(device),
        small_labels.to(device),
        torch.cat([three_squares(sharp[i]) for i in kept]).to(device),
        torch.tensor([indices[i] for i in kept for _ in range(3)], device=device),
    )
    known = small_labels.unique().to(device)
    others = [i for i, index in enumerate(indices) if index % HELD_OUT_EVERY == 0]
    held_out = torch.stack([TF.resize(square(sharp[i]), [SHARP_SIZE] * 2) for i in others]).to(device)
    held_out_labels = torch.tensor([indices[i] for i in others], device=device)

    teacher = Teacher(arguments.teacher).to(device, memory_format=torch.channels_last)
    student = DreamNet()
    if arguments.start:
        student.load_state_dict(narrowed(load_file(arguments.start), student), strict=False)
    student.to(device, memory_format=torch.channels_last)
    generator = torch.Generator(device).manual_seed(arguments.seed)
    scales = channel_rms(teacher, mixture, generator)
    optimizer = torch.optim.AdamW(student.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    checkpoint = arguments.run / "checkpoint.pt"
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]

    def teach(x: Tensor, labels: Tensor) -> Lesson:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            (*blocks, class_map), logits = teacher(x)
            return Lesson([a / s.to(a.dtype) for a, s in zip(blocks, scales, strict=True)], class_map, logits, labels)

    schedule = [(name, step) for name, phase in PHASES.items() for step in range(phase.steps)]
    losses: Losses | None = None
    started = time.monotonic()
    with (arguments.run / "log.tsv").open("a", buffering=1, encoding="utf-8") as log:
        log.write("\t".join(["step", "phase", "seconds", *BLOCKS, "map", "kl", "entropy"]) + "\n")
        for index, (name, step) in enumerate(schedule[done:], done):
            phase = PHASES[name]
            if losses is None or losses.in_blocks != (name == "blocks"):
                losses = Losses(student, known, in_blocks=name == "blocks")
                if arguments.compile:
                    losses.compile()
            weights = weights_of(phase, device)
            learn_from(student, phase.first)
            generator.manual_seed(arguments.seed * 1_000_000 + index)
            x, labels = mixture.batch(round(arguments.batch * (112 / phase.size) ** 2), phase.size, generator)
            x = x.contiguous(memory_format=torch.channels_last)
            lesson = teach(x, labels)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, phase)
            with torch.autocast(device.type, torch.bfloat16):
                parts = losses(x, lesson)
            optimizer.zero_grad()
            (weights * parts).sum().backward()
            optimizer.step()
            done = index + 1
            ended = step + 1 == phase.steps
            if done % 50 == 0:
                row = [done, name, f"{time.monotonic() - started:.0f}", *(f"{part:.3f}" for part in parts.tolist())]
                log.write("\t".join(map(str, row)) + "\n")
            if done % 200 == 0 or ended:
                on_sharp = top5(student, held_out, held_out_labels, HELD_OUT_SIZE)
                on_small = top5(student, seen[::10], seen_labels[::10], SMALL_VALIDATION_SIZE, known)
                log.write(f"{done}\ttop-5 of sharp ones held out {on_sharp:.3f}, of small ones {on_small:.3f}\n")
                state = {"student": student.state_dict(), "optimizer": optimizer.state_dict(), "done": done}
                torch.save(state, checkpoint.with_suffix(".partial"))
                checkpoint.with_suffix(".partial").rename(checkpoint)
                save_file(halves(student), arguments.run / f"{name}.safetensors")
    runs = [load_file(arguments.run / f"{name}.safetensors") for name in AVERAGED]
    save_file(halves(averaged(runs, mixture, generator)), arguments.run / "dreamnet.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tiny-imagenet/ and imagenet-samples/")
    parser.add_argument("--teacher", type=Path, required=True, help="SqueezeNet 1.0's weights, a safetensors file")
    parser.add_argument("--run", type=Path, required=True, help="where checkpoints, log and weights go")
    parser.add_argument("--start", type=Path, help="weights to start from; their squeeze layers may be wider")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=BATCH, help="pictures a step")
    parser.add_argument("--compile", action="store_true", help="compile the losses: worth it on a GPU")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
