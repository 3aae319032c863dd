"""Distribute a plan over many machines with Ray (https://docs.ray.io): one actor for every GPU, or for some cores.

Most of this handles failures: workers that die, machines that disappear, clusters that can't be reached.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import Any

import dreamcli
from dreamcli.errors import DreamcliError, Hint, WrongRequest, first_line, needs
from dreamcli.files.plan import Task

from .batch import DiskWatch, Outcome, PictureMaker, interrupted_task

LOCAL = "auto"  # instead of an address: start Ray on this machine
MAX_DEATHS = 2  # of workers over one picture, before it is given up
MAX_STARTS = 3  # of Ray and all workers, before everything is given up
PATIENCE = 10  # seconds to wait for a cluster
OBJECT_STORE = 100 * 2**20  # bytes: pictures go through files, and hardly anything through Ray

_Running = dict[Any, tuple[Any, int | None]]  # the worker and its task's number, by the call's reference

# a Ray that we start listens on the loopback interface, asks for its token, and sends no usage statistics
_LOCAL_ONLY = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's switch for binding to the loopback interface
    "RAY_USAGE_STATS_ENABLED": "0",
}


class WorkersLost(DreamcliError):
    """Ray can't start workers any more, as after its own process on a machine died."""


class Worker:
    """An actor: a picture maker on some machine of the cluster."""

    def __init__(self, folder: str, make_maker: Callable[[], PictureMaker]) -> None:
        self._folder = folder
        self._maker = make_maker()

    def prepare(self, version: str) -> None:
        """Change to the sender's folder, so relative paths mean the same.

        Raises:
            DreamcliError: this machine has another version, or no such folder.
        """
        host = socket.gethostname()
        if version != dreamcli.__version__:
            raise DreamcliError(f"{host} has dreamcli {dreamcli.__version__}, but this machine has {version}")
        try:
            os.chdir(self._folder)
        except OSError as error:
            raise DreamcliError(f"{host} has no folder {self._folder}; all machines must share it") from error

    def make(self, task: Task) -> list[Outcome]:
        """Make the pictures of one task."""
        outcomes: list[Outcome] = []
        self._maker.run([task], outcomes.extend)
        return [replace(outcome, error=None, result=None) for outcome in outcomes]  # the pictures are in their files


def run_on_cluster(
    address: str,
    cores: int,
    gpus: bool,
    tasks: Sequence[Task],
    make_maker: Callable[[], PictureMaker],
    on_outcomes: Callable[[list[Outcome]], None],
) -> bool:
    """Make everything, as `PictureMaker.run` does, but on all machines of a cluster, and in no particular order.

    Ray restarts a worker that dies, and its picture is made again. That does no harm if the picture was finished:
    a whole file replaces a whole file. If Ray itself is lost, it is started again, or connected to.

    Args:
        address: the cluster's, or "auto" to start Ray on this machine.
        cores, gpus: the cores of each worker, or whether it gets a GPU instead, if the cluster has any.
        make_maker: makes a worker's picture maker; must pickle.
        tasks, on_outcomes: see `PictureMaker.run`.

    Raises:
        WrongRequest, DreamcliError: Ray isn't installed or can't be reached, or a worker can't open its session.
    """
    todo, starts = deque(range(len(tasks))), 0
    while todo:
        starts += 1
        try:
            with _connected(address) as ray:
                count, resources = _room_for_workers(ray, cores, gpus)
                actor = ray.remote(Worker).options(max_restarts=-1, **resources)
                workers = [actor.remote(os.getcwd(), make_maker) for _ in range(min(count, len(todo)))]
                try:
                    return _hand_out(ray, workers, tasks, todo, on_outcomes)
                finally:
                    for worker in workers:
                        ray.kill(worker)
        except WorkersLost:
            if starts == MAX_STARTS:
                raise
    return True


def _hand_out(
    ray: Any, workers: list[Any], tasks: Sequence[Task], todo: deque[int], on_outcomes: Callable[..., None]
) -> bool:
    """Give each worker one task after the other; False if that was interrupted.

    Args:
        todo: the numbers of the tasks; those that have ended are taken away.

    Raises:
        WorkersLost: no worker can be started.
        DreamcliError: the disk is full.
    """
    deaths: Counter[int] = Counter()
    disk, left = DiskWatch(), 0
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
                    todo.extend(left for _, left in running.values() if left is not None)
                    raise WorkersLost(f"a worker could not be started ({first_line(error)})", Hint.AGAIN) from error
                deaths[number] += 1
                if deaths[number] < MAX_DEATHS:
                    todo.append(number)
                else:
                    on_outcomes([_lost(tasks[number])])
                # its machine may be gone for good, and so may an idle worker's: whoever answers takes the next task
                following = _awaited([worker, *idle])
                idle.clear()
            else:
                if number is not None:
                    disk.see(outcomes)
                    on_outcomes(outcomes)
                if disk.is_full:
                    left += len(todo)
                    todo.clear()
                following = _next(worker, todo, tasks)
                if not following:
                    idle.append(worker)
            del running[ended]
            running |= following
    except KeyboardInterrupt:
        for _, number in running.values():
            if number is not None:
                on_outcomes([interrupted_task(tasks[number])])
        return False
    disk.check(left)
    return True


def _next(worker: Any, todo: deque[int], tasks: Sequence[Task]) -> _Running:
    """Start a free worker on the next task, if any is left."""
    if not todo:
        return {}
    number = todo.popleft()
    return {worker.make.remote(tasks[number]): (worker, number)}


def _awaited(workers: Sequence[Any]) -> _Running:
    """Have each worker answer `prepare` once it has started, or restarted."""
    return {
        worker.prepare.options(max_task_retries=-1).remote(dreamcli.__version__): (worker, None) for worker in workers
    }


def _lost(task: Task) -> Outcome:
    reason = f"{MAX_DEATHS} workers died while making it, possibly out of memory"
    return Outcome("failed", task.title, str(task.output), reason)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster or started on this machine."""
    options: dict[str, Any] = {"address": address}
    if address != LOCAL:
        _check_reachable(address)
    else:
        # Ray reads these when it is imported
        os.environ.update(_LOCAL_ONLY)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        options = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    ray = needs("ray")
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
    except Exception as error:  # a plain one if it doesn't start in time
        raise DreamcliError(f"the cluster {address} can't be used ({first_line(error)})") from error
    # Ray would report there that a worker died, and stdout is for JSON
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        try:
            yield ray
        finally:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Try the port first: Ray would keep trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise WrongRequest(f"the cluster {address} is neither auto nor of the form HOST:PORT")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise DreamcliError(f"the cluster {address} can't be reached ({error})") from error


def _room_for_workers(ray: Any, cores: int, gpus: bool) -> tuple[int, dict[str, int]]:
    """How many workers the cluster has room for, and what each of them needs."""
    machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
    if gpus and (count := sum(int(machine.get("GPU", 0)) for machine in machines)):
        return count, {"num_cpus": 1, "num_gpus": 1}
    count = sum(int(machine.get("CPU", 0)) // cores for machine in machines)
    if not count:
        raise DreamcliError(f"no machine of the cluster has {cores} cores", Hint.WORKER_CORES)
    return count, {"num_cpus": cores}
