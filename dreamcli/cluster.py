"""The same work on many machines, by Ray (https://docs.ray.io): an actor for every GPU, or for some cores."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import dreamcli

from .batch import Bench, Commission, Outcome, work
from .errors import DreamcliError, WrongRequest

if TYPE_CHECKING:
    from .studio import Studio

LOCAL = "auto"  # instead of an address: a Ray of our own, on this machine
MOST_DEATHS = 2  # of workers over one picture, before it is given up
PATIENCE = 10  # seconds, to reach a cluster
OBJECT_STORE = 100 * 2**20  # bytes: pictures go through files, and hardly anything through Ray

_Running = dict[Any, tuple[Any, int | None]]  # by what a call will give: the worker, and what it makes

# Ray of our own speaks to nobody but this machine, and only to who knows its token; it reports to nobody
_ALONE = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # which is Ray's switch for binding to the loopback interface
    "RAY_USAGE_STATS_ENABLED": "0",
}


class Worker:
    """An actor: a bench on some machine of the cluster."""

    def __init__(self, folder: str, open_studio: Callable[[Any], Studio], overwrite: bool, safe_decode: bool) -> None:
        self._folder = folder
        self._bench = Bench(open_studio, overwrite, safe_decode=safe_decode)

    def prepare(self, version: str) -> None:
        """Go where paths mean the same as they do for who sends the work.

        Raises:
            DreamcliError: this machine can't do it.
        """
        host = socket.gethostname()
        if version != dreamcli.__version__:
            raise DreamcliError(f"{host} has dreamcli {dreamcli.__version__}, and this machine {version}")
        try:
            os.chdir(self._folder)
        except OSError as error:
            raise DreamcliError(f"{host} has no folder {self._folder}; all machines must share it") from error

    def make(self, commission: Commission) -> list[Outcome]:
        """Make the pictures of one task."""
        outcomes: list[Outcome] = []
        work([commission], self._bench, outcomes.extend)
        return outcomes


def work_on_cluster(
    address: str,
    cores: int,
    gpus: bool,
    commissions: Sequence[Commission],
    open_studio: Callable[[Any], Studio],
    overwrite: bool,
    report: Callable[[list[Outcome]], None],
    safe_decode: bool = False,
) -> bool:
    """Make everything, as `dreamcli.batch.work` does, but on all machines of a cluster, and in no order.

    A worker that dies is started again by Ray, and what it was making is made again: the writer replaces a
    whole file by a whole file, so it does no harm if it had been finished.

    Args:
        address: of the cluster, or "auto" for a Ray of our own on this machine.
        cores: for each worker, where it gets no GPU.
        gpus: give each worker a GPU, if the cluster has any.
        commissions, open_studio, overwrite, report, safe_decode: as for `Bench` and `work`.

    Raises:
        WrongRequest, DreamcliError: Ray is not here or not there, or a worker can't open its studio.
    """
    if not commissions:
        return True
    with _connected(address) as ray:
        count, resources = _room_for_workers(ray, cores, gpus)
        actor = ray.remote(Worker).options(max_restarts=-1, **resources)
        count = min(count, len(commissions))
        workers = [actor.remote(os.getcwd(), open_studio, overwrite, safe_decode) for _ in range(count)]
        try:
            return _hand_out(ray, workers, commissions, report)
        finally:
            for worker in workers:
                ray.kill(worker)


def _hand_out(ray: Any, workers: list[Any], commissions: Sequence[Commission], report: Callable[..., None]) -> bool:
    """Give each worker one commission after the other; False if that was interrupted."""
    todo = deque(range(len(commissions)))
    deaths: Counter[int] = Counter()
    idle: list[Any] = []
    running = _awaited(workers)
    try:
        while todo or any(number is not None for _, number in running.values()):
            (ended,), _ = ray.wait(list(running), num_returns=1)
            worker, number = running[ended]
            try:
                outcomes = ray.get(ended)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayActorError as error:
                if number is None:
                    raise DreamcliError(f"a worker could not be started ({_first_line(error)})") from error
                deaths[number] += 1
                if deaths[number] < MOST_DEATHS:
                    todo.append(number)
                else:
                    report([_lost(commissions[number])])
                # its machine may be gone for good, and an idle worker's too: whoever answers takes what is to do
                following = _awaited([worker, *idle])
                idle.clear()
            else:
                if number is not None:
                    report(outcomes)
                following = _next(worker, todo, commissions)
                if not following:
                    idle.append(worker)
            del running[ended]
            running |= following
    except KeyboardInterrupt:
        for _, number in running.values():
            if number is not None:
                task, _ = commissions[number]
                report([Outcome("interrupted", task.title, str(task.output), "(not kept)")])
        return False
    return True


def _next(worker: Any, todo: deque[int], commissions: Sequence[Commission]) -> _Running:
    """What a free worker does now: nothing, if there is nothing left to do."""
    if not todo:
        return {}
    number = todo.popleft()
    return {worker.make.remote(commissions[number]): (worker, number)}


def _awaited(workers: Sequence[Any]) -> _Running:
    """Workers that make nothing yet: each answers to `prepare` when it is there, for the first time or again."""
    return {
        worker.prepare.options(max_task_retries=-1).remote(dreamcli.__version__): (worker, None) for worker in workers
    }


def _lost(commission: Commission) -> Outcome:
    task, _ = commission
    reason = f"{MOST_DEATHS} workers died while they made it, perhaps for want of memory"
    return Outcome("failed", task.title, str(task.output), reason)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster, or with one of our own."""
    options: dict[str, Any] = {"address": address}
    if address != LOCAL:
        _check_reachable(address)
    else:
        # Ray reads these when it is imported
        os.environ.update(_ALONE)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        options = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    try:
        import ray
    except ImportError as error:
        raise DreamcliError("--cluster needs Ray, an extra: pip install '.[ray]' in a clone of dreamcli") from error
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise DreamcliError(f"--cluster {address} can't be had ({_first_line(error)})") from error
    # stdout is for --json, and Ray would tell there about a worker that died
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        try:
            yield ray
        finally:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ask for the port ourselves: Ray would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise WrongRequest(f"--cluster {address} is neither auto nor of the form HOST:PORT")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise DreamcliError(f"--cluster {address} can't be reached ({error})") from error


def _room_for_workers(ray: Any, cores: int, gpus: bool) -> tuple[int, dict[str, int]]:
    """How many workers the machines of a cluster hold, and what each of them takes."""
    machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
    if gpus and (count := sum(int(machine.get("GPU", 0)) for machine in machines)):
        return count, {"num_cpus": 1, "num_gpus": 1}
    count = sum(int(machine.get("CPU", 0)) // cores for machine in machines)
    if not count:
        raise DreamcliError(f"no machine of the cluster has {cores} cores; give fewer by --worker-cores")
    return count, {"num_cpus": cores}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
