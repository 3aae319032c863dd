from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dreamcli.networks import zoo
from dreamcli.networks.layers import layer_table


def test_the_textbook_table() -> None:
    table = {layer.name.rpartition(".")[2]: layer for layer in layer_table(zoo.skeleton("lenet5").module, (32, 32))}
    wanted = {
        "c1": ((6, 28, 28), 156),
        "s2": ((6, 14, 14), 0),
        "c3": ((16, 10, 10), 2416),
        "s4": ((16, 5, 5), 0),
        "c5": ((120, 1, 1), 48_120),
        "f6": ((84,), 10_164),
        "output": ((10,), 850),
    }
    assert {name: (table[name].shape, table[name].parameters) for name in wanted} == wanted
    assert table["c5"].field == (32, 32)


def test_it_reads_digits(shared: Path) -> None:
    from models.training.lenet5 import load_digits, normalize

    pictures, digits = load_digits(shared / "data" / "mnist")
    network = zoo.load("lenet5")
    with torch.inference_mode():
        found = network.module(normalize(pictures)).argmax(1)
    assert float((found == digits).float().mean()) > 0.96


@pytest.mark.parametrize("digit", [0, 3])
def test_it_draws_the_digit(run, digit: int) -> None:
    whole = ("--crop", 1, "--no-mirror")
    outcome = run("class", digit, "--model", "lenet5", *whole, "--json")
    assert outcome.code == 0, outcome.err
    import json

    (entry,) = json.loads(outcome.out)["pictures"]
    assert entry["score"]["top5"][0][0] == str(digit)


def test_its_weights_are_small() -> None:
    from dreamcli.networks.registry import listing

    assert listing("lenet5").megabytes < 0.5
    assert listing("lenet5").parameters == 61_706
