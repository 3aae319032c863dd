from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dreamcli.errors import DreamcliError, Hint
from dreamcli.files.plan import Task
from dreamcli.files.reading import read_picture
from dreamcli.settings.dream import DreamSettings
from dreamcli.studio import cluster
from dreamcli.studio.batch import Outcome
from tests.conftest import QUICK

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="the extra dreamcli[ray] is not installed")

# a user's network that ends its process, once or every time it is built
MORTAL = """
import os, pathlib
from torchvision.models import squeezenet1_1

def Mortal(**options):
    mark = pathlib.Path("mark")
    if not mark.exists() or mark.read_text() == "always":
        mark.touch()
        os._exit(9)
    return squeezenet1_1(num_classes=5)
"""


def test_without_ray_it_says_how_to_install_it(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(cluster, "_LOCAL_ONLY", {})
    outcome = run("dream", photo, "--cluster", "auto")
    assert outcome.code == 1
    message = "working on a cluster needs Ray, which isn't installed"
    assert outcome.err == f"dreamcli: {message}; in a clone of dreamcli, run pip (or uv tool) install '.[ray]'\n"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "is neither auto nor of the form HOST:PORT"),
        (":6379", "is neither auto nor of the form HOST:PORT"),
        ("127.0.0.1:1", "can't be reached"),
        ("127.0.0.1:99999", "can't be reached"),
    ],
)
def test_an_unreachable_cluster_is_reported_at_once(run, photo: Path, address: str, message: str) -> None:
    outcome = run("dream", photo, "--cluster", address)
    assert outcome.code in (1, 2)
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


class Ended(Exception):
    """Stands for Ray's own."""

    cause = DreamcliError("no such layer")


class Died(Exception):
    """Stands for Ray's own."""


class Reference:
    """A reference to what a call will return."""

    def __init__(self, value: Any) -> None:
        self.value = value


NEVER = object()  # what a call to a lost machine returns


class ScriptedWorker:
    """Stands for an actor: the result of each call is known at once."""

    def __init__(self, make: Callable[[str], Any], lives: int = 99) -> None:
        self.prepare = SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._answer))
        self.make = SimpleNamespace(remote=lambda task: Reference(make(task.title)))
        self._lives = lives

    def _answer(self, _version: str) -> Reference:
        self._lives -= 1
        return Reference(NEVER if self._lives < 0 else None)


class ScriptedRay:
    exceptions = SimpleNamespace(RayTaskError=Ended, RayActorError=Died)

    def __init__(self, slots: int = 0, make: Callable[[str], Any] | None = None) -> None:
        self.started: list[ScriptedWorker] = []
        self.killed: list[ScriptedWorker] = []
        self._slots = slots
        self._make = make

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": self._slots}}]

    def remote(self, _class: type) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._start))

    def _start(self, *_arguments: object) -> ScriptedWorker:
        assert self._make
        self.started.append(ScriptedWorker(self._make))
        return self.started[-1]

    def kill(self, worker: ScriptedWorker) -> None:
        self.killed.append(worker)

    def wait(self, references: list[Reference], num_returns: int) -> tuple[list[Reference], list[Reference]]:
        ready = [reference for reference in references if reference.value is not NEVER]
        assert ready, "this would wait forever"
        return ready[:num_returns], [reference for reference in references if reference not in ready[:num_returns]]

    def get(self, reference: Reference) -> Any:
        if isinstance(reference.value, BaseException):
            raise reference.value
        return reference.value


def plan_of(names: str) -> list[Task]:
    return [Task(Path(name), Path(f"{name}.png"), DreamSettings()) for name in names]


def hand_out(
    make: Callable[[str], Any], names: str = "abc", lives: tuple[int, ...] = (99, 99)
) -> tuple[bool, list[tuple[str, str]]]:
    outcomes: list[Outcome] = []
    workers = [ScriptedWorker(make, each) for each in lives]
    ended = cluster._hand_out(ScriptedRay(), workers, plan_of(names), deque(range(len(names))), outcomes.extend)
    return ended, sorted((outcome.source, outcome.status) for outcome in outcomes)


def done(name: str) -> list[Outcome]:
    return [Outcome("done", name, "")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_picture_is_made_once(workers: int) -> None:
    assert hand_out(done, lives=(99,) * workers) == (True, [("a", "done"), ("b", "done"), ("c", "done")])


def test_a_dead_workers_picture_is_made_again_and_given_up_in_the_end() -> None:
    made: list[str] = []

    def make(name: str) -> Any:
        made.append(name)
        return Died() if name == "a" or (made.count("b") == 1 and name == "b") else done(name)

    assert hand_out(make) == (True, [("a", "failed"), ("b", "done"), ("c", "done")])
    assert made.count("a") == cluster.MAX_DEATHS


# how often the machine of each worker answers: after its last answer, it is lost once its worker dies or is idle
@pytest.mark.parametrize(("names", "lives"), [("ab", (99, 1)), ("abc", (1, 99, 1)), ("abc", (99, 99, 1))])
def test_the_last_picture_of_a_lost_machine_is_made_by_an_idle_worker(names: str, lives: tuple[int, ...]) -> None:
    made: list[str] = []

    def make(name: str) -> Any:
        made.append(name)
        return Died() if name == names[-1] and made.count(name) == 1 else done(name)

    assert hand_out(make, names, lives) == (True, [(name, "done") for name in names])


@pytest.mark.parametrize(("slots", "names", "count"), [(8, "ab", 2), (2, "abc", 2)])
def test_there_are_no_more_workers_than_pictures(
    monkeypatch: pytest.MonkeyPatch, slots: int, names: str, count: int
) -> None:
    ray = ScriptedRay(slots, done)
    monkeypatch.setattr(cluster, "_connected", lambda _address: nullcontext(ray))
    make_maker: Any = None
    outcomes: list[Outcome] = []
    assert cluster.run_on_cluster("auto", 1, False, plan_of(names), make_maker, outcomes.extend)
    assert len(outcomes) == len(names)
    assert len(ray.started) == count
    assert ray.killed == ray.started


def test_an_error_that_prevents_every_picture_ends_the_run() -> None:
    with pytest.raises(DreamcliError, match="no such layer"):
        hand_out(lambda _name: Ended())


def test_a_worker_that_cannot_start_ends_the_run() -> None:
    ray, (worker,) = ScriptedRay(), [ScriptedWorker(done)]
    worker.prepare = SimpleNamespace(
        options=lambda **_: SimpleNamespace(remote=lambda _version: Reference(Died("no memory\ndetails")))
    )
    with pytest.raises(DreamcliError, match=r"^a worker could not be started \(no memory\)$"):
        cluster._hand_out(ray, [worker], plan_of("a"), deque([0]), print)


@pytest.mark.parametrize("failures", [1, 99])
def test_lost_workers_are_started_again(monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    """The first Ray is lost after its first picture."""
    left = failures

    def connected(_address: str) -> Any:
        return nullcontext(ScriptedRay(1, make))

    def make(name: str) -> Any:
        nonlocal left
        if name == "b" and left:
            left -= 1
            return Died()
        return done(name)

    def prepared(self: ScriptedWorker, _version: str) -> Reference:
        self._lives -= 1
        return Reference(Died("the agent died") if self._lives < 98 else None)

    monkeypatch.setattr(ScriptedWorker, "_answer", prepared)
    monkeypatch.setattr(cluster, "_connected", connected)
    outcomes: list[Outcome] = []
    make_maker: Any = None
    if failures == 1:
        assert cluster.run_on_cluster("auto", 1, False, plan_of("abc"), make_maker, outcomes.extend)
        assert sorted(outcome.source for outcome in outcomes) == ["a", "b", "c"]
        return
    with pytest.raises(DreamcliError, match=r"a worker could not be started \(the agent died\)") as caught:
        cluster.run_on_cluster("auto", 1, False, plan_of("abc"), make_maker, outcomes.extend)
    assert caught.value.hint is Hint.AGAIN
    assert sorted(outcome.source for outcome in outcomes) == ["a", "c"]


def local_ray(**functions: Callable[..., None]) -> SimpleNamespace:
    return SimpleNamespace(exceptions=SimpleNamespace(RayError=Died), **functions)


def test_a_local_ray_talks_to_this_machine_only(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    calls: list[dict[str, Any]] = []
    ray = local_ray(init=lambda **options: calls.append(options), shutdown=lambda: calls.append({}))
    monkeypatch.setitem(sys.modules, "ray", ray)
    environment: dict[str, str] = {}
    monkeypatch.setattr(cluster.os, "environ", environment)
    with cluster._connected("auto") as connected:
        assert connected is ray
        print("Ray says that a worker died")
    assert capsys.readouterr().out == ""
    (options, ended) = calls
    assert (options["address"], options["include_dashboard"], ended) == ("local", False, {})
    assert environment["RAY_AUTH_MODE"] == "token"
    assert len(environment["RAY_AUTH_TOKEN"]) == 64
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(
    "error",
    [
        OSError("no port\ndetails"),
        RuntimeError("no port"),
        ValueError("no port"),
        Died("no port"),
        Exception("no port"),
    ],
)
def test_a_ray_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**_options: object) -> None:
        raise error

    monkeypatch.setitem(sys.modules, "ray", local_ray(init=fail))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")  # and it is not set for the tests to come
    monkeypatch.setattr(cluster, "_LOCAL_ONLY", {})
    with (
        pytest.raises(DreamcliError, match=r"^the cluster auto can't be used \(no port\)$"),
        cluster._connected("auto"),
    ):
        pass


def test_an_interruption_is_reported_for_each_unfinished_picture() -> None:
    # two workers: Ctrl-C comes while "a" is awaited from the first, and the second makes "b"
    ended, reported = hand_out(lambda name: KeyboardInterrupt() if name == "a" else done(name))
    assert (ended, reported) == (False, [("a", "interrupted"), ("b", "interrupted")])


@pytest.mark.parametrize(
    ("machines", "cores", "gpus", "count"),
    [
        ([{"CPU": 8.0}], 1, True, 8),
        ([{"CPU": 8.0}, {"CPU": 3.0}], 2, True, 5),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0}], 4, True, 2),
        ([{"CPU": 8.0, "GPU": 2.0}], 4, False, 2),
    ],
)
def test_the_number_of_workers(machines: list[dict[str, float]], cores: int, gpus: bool, count: int) -> None:
    nodes = [{"Alive": True, "Resources": machine} for machine in machines] + [
        {"Alive": False, "Resources": {"CPU": 9}}
    ]
    ray = SimpleNamespace(nodes=lambda: nodes)
    assert cluster._room_for_workers(ray, cores, gpus)[0] == count


def test_machines_that_are_too_small_are_refused() -> None:
    ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": {"CPU": 2.0}}])
    with pytest.raises(DreamcliError, match="no machine of the cluster has 4 cores") as caught:
        cluster._room_for_workers(ray, 4, True)
    assert caught.value.hint is Hint.WORKER_CORES


def test_a_worker_needs_the_same_version_and_the_same_folder(tmp_path: Path) -> None:
    worker = cluster.Worker(str(tmp_path / "none"), lambda: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(DreamcliError, match=r"has dreamcli .* but this machine has 0\.0"):
        worker.prepare("0.0")
    with pytest.raises(DreamcliError, match="all machines must share it"):
        worker.prepare(cluster.dreamcli.__version__)


def test_a_worker_makes_pictures_and_keeps_them_in_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Maker:
        def run(self, tasks: list[Task], on_outcomes: Callable[[list[Outcome]], None]) -> bool:
            result: Any = object()
            on_outcomes([Outcome("done", task.title, str(task.output), result=result) for task in tasks])
            return True

    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared").mkdir()
    worker = cluster.Worker(str(tmp_path / "shared"), Maker)  # type: ignore[arg-type]
    worker.prepare(cluster.dreamcli.__version__)
    assert Path.cwd() == tmp_path / "shared"
    (outcome,) = worker.make(plan_of("a")[0])
    assert outcome == Outcome("done", "a", "a.png")


def test_errors_and_outcomes_travel_between_machines_with_their_hints() -> None:
    error = pickle.loads(pickle.dumps(DreamcliError("too large", Hint.SMALLER)))
    assert (str(error), error.hint) == ("too large", Hint.SMALLER)
    outcome = Outcome("failed", "a", "a.png", "too large", Hint.SMALLER)
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    (task,) = plan_of("a")
    assert pickle.loads(pickle.dumps(task)) == task


def test_an_empty_plan_needs_no_cluster() -> None:
    make_maker: Any = None
    assert cluster.run_on_cluster("nonsense", 1, False, [], make_maker, print)


@needs_ray
def test_the_whole_plan_is_made_though_a_worker_dies(photo: Path) -> None:
    import torch
    from torchvision.models import squeezenet1_1

    folder = photo.parent
    (folder / "in").mkdir()
    for name in "abcd":
        shutil.copy(photo, folder / "in" / f"{name}.png")
    (folder / "in" / "bad.png").write_text("text")
    (folder / "mortal.py").write_text(MORTAL)
    torch.save(squeezenet1_1(num_classes=5).state_dict(), folder / "own.pth")
    arguments = ["dream", "in", "-o", "out", *QUICK, "-m", "mortal.py:Mortal", "--weights", "own.pth", "--layer",
                 "features.3", "--cluster", "auto", "--json", "--report", "log.jsonl"]  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-m", "dreamcli", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (folder / "mark").exists(), result.stderr
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["counts"] == {"done": 4, "failed": 1}
    assert [entry["input"] for entry in report["pictures"] if entry["status"] == "failed"] == ["in/bad.png"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [f"{name}.png" for name in "abcd"]
    assert all(read_picture(path).pixels.shape == (60, 80, 3) for path in (folder / "out").iterdir())
    assert len((folder / "log.jsonl").read_text().splitlines()) == 5
