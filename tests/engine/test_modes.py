from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
import torch

from dreamcli.engine.modes import default_modes


def state() -> tuple[object, ...]:
    made = torch.tensor(0.5)
    return (
        torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"),
        torch.get_default_dtype(), torch.get_default_device(), made.dtype, made.device,
    )  # fmt: skip


class DefaultDtype:
    def __enter__(self) -> None:
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *_error: object) -> None:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "mode",
    [torch.inference_mode(), torch.no_grad(), torch.autocast("cpu"), torch.device("meta"), DefaultDtype()],
    ids=["inference", "no grad", "autocast", "device", "dtype"],
)
def test_the_callers_modes_are_put_aside_and_back(mode: AbstractContextManager[object]) -> None:
    usual = state()
    with mode:
        theirs = state()
        assert theirs != usual
        with default_modes():
            assert state() == usual
        with pytest.raises(ZeroDivisionError), default_modes():
            _ = 1 / 0
        assert state() == theirs
    assert state() == usual
