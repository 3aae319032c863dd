"""The memory plan: a picture goes through the network whole, or in tiles, or is refused before any work."""

from __future__ import annotations

from collections.abc import Iterable

from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.memory import bytes_of_layer, bytes_of_pass, installed
from dreamcli.engine.tiles import TiledActivations
from dreamcli.errors import DreamcliError, Hint
from dreamcli.networks.zoo import Network

# copies of the picture, in float32, held at once besides what the network needs; measured at 24 megapixels for
# dreams, other art forms hold more
COPIES = 7
PROGRAM = 0.6 * 2**30  # bytes, of Python, torch and a network


def activations_for(
    network: Network, layers: Iterable[str], compute: Compute, size: tuple[int, int], count: int = 1
) -> Activations:
    """The layers' activations for pictures up to a size: whole if the budget has room for it, otherwise in tiles.

    The choice depends on the size and on ``compute.budget`` alone, never on how much memory happens to be free, so
    the same seed gives the same bytes.

    Args:
        network, layers: the network and the names of its layers.
        compute: the device, the precision and the budget.
        size: (height, width) in pixels of the largest picture.
        count: the number of pictures that go through at once.

    Raises:
        DreamcliError: it would take more memory than this machine has.
    """
    layers, input_format, trace = tuple(layers), network.input_format, network.trace
    per_pixel = bytes_of_pass(trace, layers, compute)
    pixels = count * size[0] * size[1]
    fed = input_format.fitted_size(*size)
    work = count * fed[0] * fed[1] * per_pixel
    tiled: Activations | None = None
    if work > compute.budget and not input_format.fixed:
        fields = {layer: seen for layer in layers if (seen := trace.fields[layer])}
        if len(fields) == len(set(layers)):  # no unit sees the whole picture
            tiled = TiledActivations(
                network.module, fields, input_format, compute, trace, int(compute.budget / per_pixel)
            )
            # the layers' maps and their gradients stay whole
            kept = sum(2 * bytes_of_layer(trace, layer, compute) for layer in layers)
            work = compute.budget / 4 + pixels * kept
    needed, available = PROGRAM + 12 * COPIES * pixels + work, installed(compute.device)
    if needed > available:
        what, hint = f"{size[1]}x{size[0]} pixels", Hint.SMALLER
        if count > 1:
            what, hint = f"{count} pictures of {what}", Hint.FEWER
        needs = f"{what} would take {needed / 2**30:.1f} GiB of memory"
        raise DreamcliError(f"{needs}, and this machine has {available / 2**30:.1f}", hint)
    return tiled or network.activations(layers, compute)
