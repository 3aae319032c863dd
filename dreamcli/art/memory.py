"""The plan for memory: a picture goes through the network whole, or in tiles, or it is refused before any work."""

from __future__ import annotations

from collections.abc import Iterable

from dreamcli.engine.activations import OUTLINE_SIZE, Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.memory import bytes_of_layer, bytes_of_pass, installed
from dreamcli.engine.tiles import TiledActivations
from dreamcli.errors import DreamcliError
from dreamcli.networks.layers import receptive_fields
from dreamcli.networks.zoo import Network

# of the pictures, in float32, that are held at once beside what the network needs, as measured at 24 megapixels;
# other art forms hold more
COPIES = 7
PROGRAM = 0.6 * 2**30  # bytes, of Python, torch and a network


def activations_for(
    network: Network,
    layers: Iterable[str],
    compute: Compute,
    size: tuple[int, int],
    count: int = 1,
) -> Activations:
    """The layers' activations for pictures up to a size: whole where the budget has room for it, otherwise in tiles.

    What is chosen depends on the size and on ``compute.budget`` alone, never on how much memory is free, so that the
    same seed gives the same bytes.

    Args:
        network: whose.
        layers: their names.
        compute: on what device, at what precision, with what budget.
        size: (height, width) in pixels of the largest picture.
        count: how many go through at once.

    Raises:
        DreamcliError: it takes more memory than this machine has.
    """
    layers, form, plan = tuple(layers), network.input_format, network.plan
    of_pass = bytes_of_pass(plan, layers, form, compute)
    pixels = count * size[0] * size[1]
    fed = form.fitted_size(*size)
    work = count * fed[0] * fed[1] * of_pass
    chosen: Activations | None = None
    if work > compute.budget and not form.fixed:
        fields = receptive_fields(network.module, layers, form.fitted_size(*OUTLINE_SIZE))
        tileable = {layer: field for layer, field in fields.items() if field}
        if len(tileable) == len(fields):
            room = int(compute.budget / of_pass)
            chosen = TiledActivations(network.module, tileable, form, compute, plan, room)
            # the layers' maps and their gradients stay whole
            kept = sum(2 * bytes_of_layer(plan, layer, form, compute) for layer in layers)
            work = compute.budget / 4 + pixels * kept
    needed, there = PROGRAM + 12 * COPIES * pixels + work, installed(compute.device)
    if needed > there:
        what, hint = f"{size[1]}x{size[0]} pixels", "make the picture smaller with --size"
        if count > 1:
            what, hint = f"{count} pictures of {what}", "make fewer, or smaller ones with --size"
        raise DreamcliError(
            f"{what} would take {needed / 2**30:.1f} GiB of memory, and this machine has {there / 2**30:.1f}; {hint}"
        )
    return chosen or network.activations(layers, compute)
