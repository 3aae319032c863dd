"""The memory plan: a picture goes through the network whole, or in tiles, or is refused before any work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.footprint import bytes_of_layer, bytes_of_pass, bytes_of_weights, installed
from dreamcli.engine.joint import AnyActivations, JointActivations
from dreamcli.engine.tiles import TiledActivations
from dreamcli.errors import DreamcliError, Hint
from dreamcli.networks.ensemble import NetworkLayer
from dreamcli.networks.network import Network

# copies of the picture, in float32, held at once besides what the network needs; measured at 24 megapixels for
# dreams, other art forms hold more
COPIES = 7
PROGRAM = 0.6 * 2**30  # bytes, of Python, torch and one network


def activations_for(
    layers: Iterable[NetworkLayer], compute: Compute, size: tuple[int, int], count: int = 1
) -> AnyActivations:
    """The layers' activations for pictures up to a size: whole if the budget has room for it, otherwise in tiles.

    The choice depends on the size and on ``compute.budget`` alone, never on how much memory happens to be free, so
    the same seed gives the same bytes. Several networks share the budget equally.

    Args:
        layers: of one network, or of several.
        compute: the device, the precision and the budget.
        size: (height, width) in pixels of the largest picture.
        count: the number of pictures that go through at once.

    Raises:
        DreamcliError: it would take more memory than this machine has.
    """
    groups: dict[str, list[NetworkLayer]] = {}
    for layer in layers:
        groups.setdefault(layer.prefix, []).append(layer)
    compute = replace(compute, budget=compute.budget // len(groups))
    parts, pixels, work = {}, count * size[0] * size[1], 0.0
    for prefix, group in groups.items():
        names = tuple(dict.fromkeys(layer.name for layer in group))
        parts[prefix], needed = _activations(group[0].network, names, compute, size, count)
        work += needed + (bytes_of_weights(group[0].network.module) if len(parts) > 1 else 0)
    needed, available = PROGRAM + 12 * COPIES * pixels + work, installed(compute.device)
    if needed > available:
        what, hint = f"{size[1]}x{size[0]} pixels", Hint.SMALLER
        if count > 1:
            what, hint = f"{count} pictures of {what}", Hint.FEWER
        needs = f"{what} would take {needed / 2**30:.1f} GiB of memory"
        raise DreamcliError(f"{needs}, but this machine has {available / 2**30:.1f}", hint)
    return parts[""] if "" in parts else JointActivations(parts)


def _activations(
    network: Network, layers: tuple[str, ...], compute: Compute, size: tuple[int, int], count: int
) -> tuple[Activations, float]:
    """One network's activations, whole or in tiles, and the bytes that they take at work."""
    input_format, trace = network.input_format, network.trace
    per_pixel = bytes_of_pass(trace, layers, compute)
    fed = input_format.fitted_size(*size)
    work = count * fed[0] * fed[1] * per_pixel
    if work > compute.budget and not input_format.fixed:
        fields = {layer: seen for layer in layers if len(trace.shapes[layer]) == 4 and (seen := trace.fields[layer])}
        if len(fields) == len(layers):  # all are maps, and no unit sees the whole picture
            room = int(compute.budget / per_pixel)
            # the layers' maps and their gradients stay whole
            kept = sum(2 * bytes_of_layer(trace, layer, compute) for layer in layers)
            work = compute.budget / 4 + count * size[0] * size[1] * kept
            tiled = network.kept(
                (layers, compute.device, compute.precision, room),
                lambda: TiledActivations(network.module, fields, input_format, compute, trace, room),
            )
            return tiled, work
    return network.activations(layers, compute), work
