"""Measure everything, and print what was measured next to its limit: ``uv run python -m benchmarks [PART...]``."""

from __future__ import annotations

import sys
import warnings

from dreamcli.engine.compute import Compute, keep_freed_memory

from . import activation, batch, classes, compiled, flicker, memory, overhead, peers, start, style, whole

PARTS = {
    "overhead": overhead,
    "whole": whole,
    "memory": memory,
    "activation": activation,
    "start": start,
    "class": classes,
    "style": style,
    "flicker": flicker,
    "batch": batch,
    "peers": peers,
    "compiled": compiled,
}


def main() -> None:
    """Run the parts that were named, or all."""
    warnings.simplefilter("ignore")
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        sys.exit(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    compute = Compute.resolve()
    keep_freed_memory()  # as the command line does
    print(f"{compute.device.type}, {compute.precision}")
    for name in wanted:
        for what, measured, limit in PARTS[name].rows(compute):
            print(f"{what:<70}  {measured:<45}  {limit}", flush=True)


if __name__ == "__main__":
    main()
