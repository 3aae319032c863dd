"""The networks of a session, each loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from dreamcli.art.artwork import Memo
from dreamcli.engine.compute import Compute
from dreamcli.errors import WrongRequest, check
from dreamcli.networks import zoo
from dreamcli.networks.catalog import AUTO, DEFAULT_JUDGE, NO_JUDGE, imagenet_labels, listing
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.base import Schedule, Settings


@dataclass(frozen=True)
class Opened:
    """What one art form works with.

    Attributes:
        memo: results that serve later pictures, too.
    """

    ensemble: Ensemble
    compute: Compute
    memo: Memo = field(default_factory=Memo)


class OpenNetworks:
    """Loads the networks of each art form, and keeps them.

    Args:
        model, weights, mean, std, labels, device, precision, judge: see `dreamcli.Session`.

    Raises:
        WrongRequest, DreamcliError: see `dreamcli.Session`.
    """

    def __init__(
        self,
        model: str | nn.Module | None,
        weights: Path | None,
        mean: tuple[float, float, float] | None,
        std: tuple[float, float, float] | None,
        labels: Sequence[str],
        device: str,
        precision: str,
        judge: str | None,
    ) -> None:
        try:
            self._compute = Compute.resolve(device, precision)
        except ValueError as error:
            raise WrongRequest(str(error)) from error
        self._is_precise = precision != AUTO
        self._judge_name = judge or NO_JUDGE
        self._judge = None if self._judge_name in (AUTO, NO_JUDGE) else zoo.load_judge(self._judge_name)
        self._loaded: dict[str, Opened] = {}
        self._named: Opened | None = None
        if isinstance(model, nn.Module):
            check(weights is None, "the module has its weights already")
            wrapped = zoo.wrap(model, mean=mean or zoo.IMAGENET_MEAN, std=std or zoo.IMAGENET_STD, labels=tuple(labels))
            self._named = self._opened(Ensemble.of(wrapped))
            return
        check(mean is None and std is None and not labels, "mean, std and labels are for a module of your own")
        if model is not None:
            self._named = self._opened(zoo.load_all(model, weights))
        else:
            check(weights is None, "weights need a model")

    def of(self, form: type[Settings]) -> Opened:
        """The networks that were named, or else those that the art form has by default.

        Raises:
            DreamcliError: their weights can't be loaded.
        """
        if self._named:
            return self._named
        if form.model not in self._loaded:
            self._loaded[form.model] = self._opened(zoo.load_all(form.model))
        return self._loaded[form.model]

    def judge_of(self, form: type[Settings]) -> Network | None:
        """The judge that was named, or the default one, where it is independent and knows the classes.

        Raises:
            DreamcliError: the default judge's weights can't be loaded.
        """
        if not issubclass(form, Schedule):
            return None  # nothing is climbed, so there is nothing to judge
        if self._judge_name != AUTO:
            return self._judge
        networks = self.of(form).ensemble.networks
        takes_part = any(network.card.name == DEFAULT_JUDGE for network in networks)
        fits = all(network.card.labels in ((), imagenet_labels()) for network in networks)
        if takes_part or not fits or not listing(DEFAULT_JUDGE).is_here:
            return None
        self._judge = self._judge or zoo.load(DEFAULT_JUDGE)
        return self._judge

    def _opened(self, ensemble: Ensemble) -> Opened:
        compute = self._compute
        prefers_float32 = any(network.prefers_float32 for network in ensemble.networks)
        if not self._is_precise and compute.device.type == "cpu" and prefers_float32:
            compute = replace(compute, precision=torch.float32)
        return Opened(ensemble, compute)
