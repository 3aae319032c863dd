"""What holds for whatever comes in: properties, tried with examples that Hypothesis makes up."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.naming import MAX_NAME_BYTES, fill_in, fit_name
from dreamcli.files.plan import make_plan
from dreamcli.files.record import Provenance, Record
from dreamcli.files.shard import Shard
from dreamcli.forms import settings_classes, settings_from_json
from dreamcli.networks.model_spec import model_text, parse_models
from dreamcli.settings.base import Settings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import LayerSpec

FORMS = settings_classes()

settings.register_profile("dreamcli", deadline=None, max_examples=150, derandomize=True, print_blob=False)
settings.load_profile("dreamcli")

NAMES = st.from_regex(r"[A-Za-z_][\w.-]{0,20}", fullmatch=True)
WEIGHTS = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
COUNTS, COUNT = st.integers(0, 10**12), st.integers(1, 5)


@st.composite
def specs(draw: st.DrawFn) -> LayerSpec:
    layer = "/".join(draw(st.lists(NAMES, min_size=1, max_size=2)))
    channel = draw(st.none() | COUNTS)
    position = None if channel is None else draw(st.none() | st.tuples(COUNTS, COUNTS))
    return LayerSpec(layer, channel, position, draw(WEIGHTS))


@given(specs())
def test_a_layer_spec_is_read_as_it_is_written(spec: LayerSpec) -> None:
    assert LayerSpec.parse(str(spec)) == spec


@given(st.text(max_size=60))
@example("mid*1_0")
@example("mid:٣")
@example("low*-inf")
def test_any_text_is_a_layer_spec_or_refused(text: str) -> None:
    try:
        spec = LayerSpec.parse(text)
    except ValueError:
        return
    assert math.isfinite(spec.weight)
    assert spec.weight
    assert LayerSpec.parse(str(spec)) == spec


@given(st.lists(st.sampled_from(["dreamnet", "lenet5", "vgg19_gatys"]), min_size=1, max_size=3, unique=True), st.data())
def test_models_are_read_as_they_are_written(names: list[str], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(1e-6, 1000), min_size=len(names), max_size=len(names)))
    read = parse_models(model_text(tuple(names), tuple(weights)))
    assert [(spec.name, spec.weight) for spec in read] == list(zip(names, weights, strict=True))


@given(st.text(max_size=40))
def test_any_text_is_a_model_or_refused(text: str) -> None:
    with suppress(WrongRequest):
        assert parse_models(text)


def value_of(form: type[Settings], name: str) -> st.SearchStrategy[Any]:
    """Values that a setting may have, by its range."""
    known, default = form.setting(name), next(each.default for each in fields(form) if each.name == name)
    if known is None or isinstance(default, tuple):
        return st.just(default)
    if known.choices:
        return st.sampled_from(known.choices)
    if isinstance(default, bool):
        return st.booleans()
    low, high = max(known.low, -1e6), min(known.high, 1e6)
    if isinstance(default, float):
        return st.floats(low, high, exclude_min=known.low_open, exclude_max=known.high_open)
    if isinstance(default, int) or known.low != -math.inf:
        return st.integers(math.ceil(low) + known.low_open, math.floor(high) - known.high_open)
    return st.just(default)


FREE = {
    name: form for name, form in FORMS.items() if name not in ("class", "microscope", "film")
}  # need more than that


@pytest.mark.parametrize("name", FREE)
@given(data=st.data())
@settings(max_examples=40)
def test_settings_in_range_become_json_and_come_back(name: str, data: st.DataObject) -> None:
    form = FREE[name]
    values = {each.name: data.draw(value_of(form, each.name), each.name) for each in fields(form)}
    try:
        made = form(**values)
    except WrongRequest:
        return  # some go together with others only
    assert settings_from_json(name, json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
@settings(max_examples=40)
def test_settings_of_any_json_are_made_or_refused(name: str, data: st.DataObject) -> None:
    values = data.draw(st.fixed_dictionaries({}, optional={each.name: JSON for each in fields(FORMS[name])}))
    job = replace(PROVENANCE, command=name, settings=values)
    try:
        made = job.form_settings()
    except DreamcliError:
        return
    assert isinstance(made, FORMS[name])


PROVENANCE = Provenance(
    command="dream",
    settings=DreamSettings().to_json(),
    input="ab" * 32,
    network={"name": "dreamnet", "sha256": "cd" * 32},
)
RECORD = Record(PROVENANCE, "cat.jpg")
SHORT = st.text(max_size=20)


@given(SHORT, st.dictionaries(SHORT, SHORT, max_size=3), SHORT)
def test_records_become_text_and_come_back(source: str, versions: dict[str, str], note: str) -> None:
    record = replace(RECORD, source=source, versions=versions, notes=(note,))
    text = record.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert Record.from_json(text) == record


@given(JSON)
@example({"job": {"command": "dream"}})
def test_any_json_is_a_record_or_refused(value: object) -> None:
    with suppress(ValueError):
        assert Record.from_json(json.dumps(value))


@given(st.text(max_size=100))
@example("NaN")
def test_any_text_is_a_record_or_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Record.from_json(text)


STEMS = st.text(st.characters(codec="utf-8", exclude_characters="/\0\\"), min_size=1, max_size=120)


@given(STEMS, st.sampled_from([".png", "-12.webp", "-dream.png"]))
def test_a_name_fits_into_a_folder(stem: str, ending: str) -> None:
    name = fit_name(stem, ending)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.endswith(ending)


@given(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True), min_size=1, max_size=8, unique=True), COUNT)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_writes_each_picture_once_and_over_no_input(
    tmp_path_factory: pytest.TempPathFactory, stems: list[str], count: int
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    for number, stem in enumerate(stems):
        inside = folder / "in" / ("more" if number % 3 == 2 else "")
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{stem}{('.png', '.jpg')[number % 2]}").touch()
    inputs = {path.resolve() for path in (folder / "in").rglob("*") if path.is_file()}
    tasks = make_plan([str(folder / "in")], str(folder / "out"), DreamSettings())
    outputs = [output.resolve() for task in tasks for output in task.outputs]
    assert {task.source.resolve() for task in tasks if task.source} == inputs
    assert len(set(outputs)) == len(outputs) == len(inputs)
    assert not inputs & set(outputs)
    shares = [{task.key for task in tasks if Shard(number, count).has(task.key)} for number in range(1, count + 1)]
    assert sum(map(len, shares)) == len(tasks)
    assert set().union(*shares) == {task.key for task in tasks}


@given(st.text(max_size=30), STEMS)
def test_any_template_is_filled_in_or_refused(template: str, stem: str) -> None:
    try:
        path = fill_in(template, DreamSettings(), stem)
    except WrongRequest:
        return
    assert isinstance(path, Path)
    assert path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
