"""``--watch``: process pictures as they arrive in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dreamcli.errors import WrongRequest, describe, needs
from dreamcli.files.plan import Task

from .errors import FAILED, INTERRUPTED, print_error, with_hint
from .options import SharedOptions
from .terminal import say

QUIET = 1.0  # seconds for which a file must not have changed: until then, it may be half copied
TICK_MS = 500  # how often to look for files that were too young


def watch_folders(
    images: Sequence[str], shared: SharedOptions, plan: Callable[[], list[Task]], make: Callable[[list[Task]], int]
) -> int:
    """Make the pictures in folders, and then those that arrive, until Ctrl-C.

    Return 0, or 1 if any failed, or 130 if one was interrupted.

    Args:
        plan: plans everything that is in the folders now.
        make: makes the pictures of a plan, and returns the exit code.

    Raises:
        WrongRequest: a folder doesn't exist, or another option doesn't go with --watch.
        DreamcliError: watchfiles isn't installed.
    """
    refused = {"--dry-run": shared.dry_run, "--json": shared.as_json, "--animate": shared.animate,
               "--cluster": shared.cluster}  # fmt: skip
    for option in (option for option, is_given in refused.items() if is_given):
        raise WrongRequest(f"--watch and {option} can't be combined")
    for image in images:
        if not Path(image).is_dir():
            raise WrongRequest(f"--watch needs folders, but {image} isn't one")
    changes = _changes(images)
    known: dict[Path, tuple[int, int]] = {}
    failed, refusal = False, ""
    planned = plan()  # what is wrong from the start ends it
    try:
        for number, _ in enumerate(changes):
            try:
                if number:
                    planned = plan()
                refusal = ""
            except WrongRequest as error:  # what goes wrong later is said once, and waits until it is fixed
                if str(error) != refusal:
                    print_error(with_hint(*describe(error)))
                failed, refusal = True, str(error)
                continue
            if tasks := _new(planned, known):
                code = make(tasks)
                if code == INTERRUPTED:
                    return code
                failed |= code != 0
    except KeyboardInterrupt:
        say("")  # ends the line of ^C
    return FAILED if failed else 0


def _changes(folders: Sequence[str]) -> Iterator[None]:
    """Yield now, whenever something changes in the folders, and once more a little later."""
    watch = needs("watchfiles").watch
    say(f"watching {', '.join(folders)}; press Ctrl-C to stop")
    last = time.monotonic()
    for found in watch(*folders, rust_timeout=TICK_MS, yield_on_timeout=True, ignore_permission_denied=True):
        now = time.monotonic()
        if found:
            last = now
        if now - last < 2 * QUIET + TICK_MS / 1000:
            yield


def _new(tasks: Sequence[Task], known: dict[Path, tuple[int, int]]) -> list[Task]:
    """The tasks whose input is new or changed, and no longer being written; remember them."""
    found = []
    for task in tasks:
        if not task.source:
            continue
        try:
            status = task.source.stat()
        except OSError:
            continue  # gone again
        is_folder = task.source.is_dir()  # which can't be looked into, or has no picture yet
        state = (status.st_mtime_ns, status.st_size)
        if is_folder or known.get(task.output) == state or abs(time.time() - status.st_mtime) < QUIET:
            continue
        known[task.output] = state  # there may be several of a source, each in a style
        found.append(task)
    return found
