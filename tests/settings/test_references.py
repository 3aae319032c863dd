from __future__ import annotations

import json
import math

import pytest

from dreamcli.errors import Hint, WrongRequest
from dreamcli.settings.references import References, StyleInput, style_inputs

TWELVE = tuple(
    StyleInput(f"style {n}", float(n), f"mask {n}" if n % 2 else None, f"region {n}" if n % 3 else None)
    for n in range(1, 13)
)
FINE_AND_COARSE = (StyleInput("hatching", 2.0, part="fine"), StyleInput("cubes", 1.0, part="coarse"))


@pytest.mark.parametrize(
    ("references", "roles"),
    [
        (References(), []),
        (References(guide="g"), ["guide"]),
        (References(guide="g", mask="m"), ["guide", "mask"]),
        (References(styles=(StyleInput("a"),)), ["style-1"]),
        (References(mask="m", like=tuple("abcdefghijkl")), sorted(["mask", *(f"like-{n}" for n in range(1, 13))])),
        (References(mask="m", styles=(StyleInput("a", mask="b", region="c"),)),
         ["content-mask-1", "mask", "style-1", "style-mask-1"]),
        (References(styles=FINE_AND_COARSE), ["coarse", "fine"]),
        (References(styles=TWELVE),
         sorted([f"style-{n}" for n in range(1, 13)] + [f"style-mask-{n}" for n in range(1, 13, 2)]
                + [f"content-mask-{n}" for n in range(1, 13) if n % 3])),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, list) else "",
)  # fmt: skip
def test_references_become_roles_and_come_back(references: References[str], roles: list[str]) -> None:
    # a record sorts its keys, so style-10 comes before style-2
    by_role = json.loads(json.dumps(references.by_role(), sort_keys=True))
    assert list(by_role) == roles
    assert References.from_roles(by_role, references.weights) == references


@pytest.mark.parametrize(
    ("roles", "weights"),
    [
        ({"style-1": "a", "style-2": "b"}, [1.0]),
        ({"style-1": "a"}, [1.0, 2.0]),
        ({"guide": "a"}, [1.0]),
        ({"fine": "a", "coarse": "b"}, [1.0]),
    ],
)
def test_weights_of_other_styles_are_refused(roles: dict[str, str], weights: list[float]) -> None:
    with pytest.raises(WrongRequest, match=rf"there are {len(weights)} weights for \d styles"):
        References.from_roles(roles, weights)


def test_every_picture_is_changed_and_nothing_else() -> None:
    references = References("g", "m", (TWELVE[0], *FINE_AND_COARSE), ("a", "b"))
    upper = references.map(str.upper)
    first = StyleInput("STYLE 1", 1.0, "MASK 1", "REGION 1")
    assert upper == References("G", "M", (first, *upper.styles[1:]), ("A", "B"))
    assert [(style.picture, style.part) for style in upper.styles[1:]] == [("HATCHING", "fine"), ("CUBES", "coarse")]
    assert upper.weights == references.weights == (1.0, 2.0, 1.0)
    assert References().map(str.upper) == References()


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_style_must_count(weight: float) -> None:
    with pytest.raises(WrongRequest, match="weight must be more than 0"):
        StyleInput("a", weight)
    with pytest.raises(WrongRequest, match="weight must be more than 0"):
        style_inputs(["a"], [weight])


def test_styles_get_their_weights_and_masks() -> None:
    assert style_inputs(["a", "b"]) == (StyleInput("a"), StyleInput("b"))
    assert style_inputs(iter(["a", "b"]), [1, 3], masks=["m", "n"], regions=iter(["r", "s"])) == (
        StyleInput("a", 1, "m", "r"),
        StyleInput("b", 3, "n", "s"),
    )


def test_fine_and_coarse_are_two_styles() -> None:
    assert style_inputs([], fine="a", coarse="b") == (StyleInput("a", part="fine"), StyleInput("b", part="coarse"))
    assert style_inputs([], [2, 1], fine="hatching", coarse="cubes") == FINE_AND_COARSE


@pytest.mark.parametrize(
    ("styles", "weights", "fine", "coarse", "masks", "regions", "message", "hint"),
    [
        ([], None, None, None, [], [], "there is no style to paint in", Hint.STYLE),
        (["a"], None, "b", "c", [], [], "a fine and a coarse style can't be combined with others", Hint.STYLE),
        (["a"], None, None, "c", [], [], "a fine and a coarse style can't be combined with others", Hint.STYLE),
        ([], None, "b", None, [], [], "a fine style needs a coarse one, and vice versa", Hint.STYLE),
        ([], None, None, "c", [], [], "a fine style needs a coarse one, and vice versa", Hint.STYLE),
        ([], None, "b", "c", ["m", "n"], [], "masks can't be combined with a fine", None),
        ([], None, "b", "c", [], ["m", "n"], "masks can't be combined with a fine", None),
        ([], [1.0], "b", "c", [], [], "there are 1 weights for 2 styles", None),
        (["a", "b"], None, None, None, ["m"], [], "there are 1 style masks for 2 styles", None),
        (["a"], None, None, None, [], ["m", "n"], "there are 2 content masks for 1 styles", None),
        (["a"], [1.0, 2.0], None, None, [], [], "there are 2 weights for 1 styles", None),
        (["a"], [], None, None, [], [], "there are 0 weights for 1 styles", None),
    ],
)
def test_numbers_that_do_not_match_are_refused(
    styles: list[str],
    weights: list[float] | None,
    fine: str | None,
    coarse: str | None,
    masks: list[str],
    regions: list[str],
    message: str,
    hint: Hint | None,
) -> None:
    with pytest.raises(WrongRequest, match=message) as caught:
        style_inputs(styles, weights, fine, coarse, masks, regions)
    assert caught.value.hint is hint
