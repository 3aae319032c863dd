from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dreamcli.engine.redirect import RedirectedReLUs

RELUS = [F.relu, torch.relu, torch.Tensor.relu, nn.ReLU(), nn.ReLU(inplace=True), lambda x: F.relu(x, inplace=True)]


@pytest.mark.parametrize("relu", RELUS)
def test_a_dead_relu_lets_its_inputs_rise(relu) -> None:
    leaf = torch.tensor([[-1.0, -2.0], [-1.0, 3.0]], requires_grad=True)
    with RedirectedReLUs():
        loss = -relu(leaf * 1.0).sum()
    loss.backward()
    # both of the first image's inputs are dead, so both are raised; one of the second's is alive
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [[-1, -1], [0, -1]]


@pytest.mark.parametrize("relu6", [F.relu6, nn.ReLU6(), nn.ReLU6(inplace=True)])
def test_a_dead_relu6_is_rescued_from_either_side(relu6) -> None:
    leaf = torch.tensor([[-1.0, 7.0], [5.0, 7.0]], requires_grad=True)
    with RedirectedReLUs():
        seen = relu6(leaf * 1.0)
        (-seen).sum().backward()
    assert seen.tolist() == [[0, 6], [5, 6]]
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [[-1, -1], [-1, 0]]


def test_another_hardtanh_is_left_alone() -> None:
    leaf = torch.tensor([[-3.0]], requires_grad=True)
    with RedirectedReLUs():
        F.hardtanh(leaf).sum().backward()
    assert leaf.grad is not None
    assert float(leaf.grad) == 0


def test_what_is_to_be_lowered_is_lowered_further() -> None:
    leaf = torch.tensor([[-1.0]], requires_grad=True)
    with RedirectedReLUs():
        F.relu(leaf).sum().backward()
    assert leaf.grad is not None
    assert float(leaf.grad) == 1


def test_outside_the_context_a_dead_relu_stays_dead() -> None:
    leaf = torch.tensor([[-1.0]], requires_grad=True)
    (-F.relu(leaf)).sum().backward()
    assert leaf.grad is not None
    assert float(leaf.grad) == 0
