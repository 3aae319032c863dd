"""What is transparent takes no part, whatever color hides there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.settings.dream import DreamSettings
from dreamcli.studio.pictures import ReadInput, read_image
from dreamcli.studio.session import Session
from tests.conftest import scene

HEIGHT, WIDTH = 64, 80
PHOTO = scene(HEIGHT, WIDTH)
QUICK = {"steps": 2, "octaves": 2, "octave_scale": 1.3}
MAGENTA, GREEN = (255, 0, 255), (0, 160, 0)


def cutout(hidden: tuple[int, int, int], edge: int = 0) -> Image.Image:
    """The scene, with its right half transparent, where a color is hidden; ``edge`` columns fade out."""
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, WIDTH // 2 :] = 0
    alpha[:, WIDTH // 2 : WIDTH // 2 + edge] = np.linspace(230, 20, edge) if edge else 0
    pixels = np.where(alpha[..., None] > 0, PHOTO, np.uint8(hidden))
    return Image.fromarray(np.dstack([pixels, alpha]).astype(np.uint8))


def mask(kind: str) -> Image.Image:
    """A mask of the left half, as different programs save it."""
    left = np.zeros((HEIGHT, WIDTH), np.uint8)
    left[:, : WIDTH // 2] = 255
    white = np.full((HEIGHT, WIDTH), 255, np.uint8)
    pixels = {
        "gray": left,
        "white on a transparent layer": np.dstack([white, white, white, left]),
        "black on a transparent layer": np.dstack([0 * white, 0 * white, 0 * white, left]),
        "cutout": np.dstack([PHOTO, left]),
        "gray, opaque": np.dstack([left, left, left, white]),
    }
    return Image.fromarray(pixels[kind])


def visible(result_picture: Picture) -> np.ndarray:
    return result_picture.on_white


FORMS: dict[str, Callable[[Session, Image.Image], np.ndarray]] = {
    "dream": lambda s, p: visible(s.dream(p, layer="mid", **QUICK).picture),
    "dream, resized": lambda s, p: visible(s.dream(p, layer="mid", size=50, steps=2, octaves=1).picture),
    "boost": lambda s, p: visible(s.boost(p, layer="mid:3", **QUICK)[0].picture),
    "boost, sheet": lambda s, p: visible(s.boost(p, layer="mid:3", sheet=True, steps=2, octaves=1)[0].picture),
    "class": lambda s, p: visible(s.visualize_class("goldfish", image=p, **QUICK)[0].picture),
    "class, phase": lambda s, p: visible(
        s.visualize_class("goldfish", image=p, parameterization="phase", steps=2, octaves=1)[0].picture
    ),
    "invert": lambda s, p: visible(s.invert(p, layer="mid", **QUICK).picture),
    "caricature": lambda s, p: visible(s.caricature(p, layer="mid", **QUICK).picture),
    "style": lambda s, p: visible(s.stylize(p, Image.fromarray(PHOTO[::-1]), layer="stem", **QUICK).picture),
    "style, its colors": lambda s, p: visible(
        s.stylize(p, Image.fromarray(PHOTO[::-1]), layer="stem", colors="match", size=50, **QUICK).picture
    ),
    "features": lambda s, p: s.feature_maps(p, layer="mid")["fire6"],
    "classify": lambda s, p: np.array([share for _, share in s.classify(p, 3)]),
    "as a style": lambda s, p: s.stylize(PHOTO, p, layer="stem", **QUICK).picture.pixels,
    "as a style, for its statistics": lambda s, p: (
        s.stylize(PHOTO, p, layer="stem", statistics="gram", colors="luminance", **QUICK).picture.pixels
    ),
    "as a guide": lambda s, p: s.dream(PHOTO, guide=p, layer="mid", **QUICK).picture.pixels,
    "to be like": lambda s, p: (
        s.visualize_class("goldfish", like=[p.resize((240, 192), 0)], size=64, steps=2, octaves=1)[0].picture.pixels
    ),
}


def unchanged(session: Session, form: str, picture: Image.Image, **settings) -> Picture:
    """What is made of a picture at no strength."""
    settings |= {"steps": 2, "octaves": 2, "strength": 0}
    drawn = {"image": picture, **settings}
    forms = {
        "dream": lambda: session.dream(picture, **settings),
        "class": lambda: session.visualize_class("goldfish", **drawn)[0],
        "class, phase": lambda: session.visualize_class("goldfish", parameterization="phase", **drawn)[0],
        "boost": lambda: session.boost(picture, layer="mid", **settings)[0],
        "style": lambda: session.stylize(picture, Image.fromarray(PHOTO[::-1]), layer="stem", **settings),
    }
    return forms[form]().picture


@pytest.mark.parametrize("form", FORMS)
def test_hidden_colors_change_nothing(session: Session, form: str) -> None:
    one, other = (FORMS[form](session, cutout(color, edge=6)) for color in (MAGENTA, GREEN))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["dream", "class", "style"])
def test_a_resized_cutout_has_no_fringe(session: Session, form: str) -> None:
    alpha = np.asarray(cutout(GREEN, edge=6))[..., 3]
    pixels = np.where(alpha[..., None] > 0, np.uint8(90), np.uint8(GREEN))
    made = unchanged(session, form, Image.fromarray(np.dstack([pixels, alpha])), size=50)
    assert made.alpha is not None
    assert made.alpha.shape == (40, 50)
    assert np.ptp(made.pixels[made.alpha > 0].astype(int), axis=1).max() == 0  # gray, without a tint
    assert made.alpha[:, 30:].max() == 0


@pytest.mark.parametrize(
    "kind", ["gray", "white on a transparent layer", "black on a transparent layer", "cutout", "gray, opaque"]
)
def test_a_mask_is_what_was_selected(session: Session, kind: str) -> None:
    made = session.dream(PHOTO, mask=mask(kind), layer="mid", **QUICK).picture.pixels.astype(int)
    change = np.abs(made - PHOTO).mean((0, 2))
    assert change[: WIDTH // 2 - 4].mean() > 1
    assert change[WIDTH // 2 :].max() == 0


def test_an_evenly_transparent_mask_is_its_brightness_times_its_alpha(session: Session) -> None:
    gray = np.asarray(mask("gray"))
    half = Image.fromarray(np.dstack([gray, gray, gray, np.full_like(gray, 128)]))
    dimmed = Image.fromarray((gray * (128 / 255)).round().astype(np.uint8))
    one, other = (session.dream(PHOTO, mask=each, layer="mid", **QUICK).picture.pixels for each in (half, dimmed))
    np.testing.assert_array_equal(one, other)


def test_the_photographs_own_transparency_is_a_mask(session: Session) -> None:
    picture = cutout(GREEN, edge=20)
    start = ReadInput(Picture(np.asarray(picture)[..., :3], np.asarray(picture)[..., 3]), "")
    make = partial(session.make, DreamSettings(alpha_mask=True, **QUICK))
    made = make(start)[0].picture
    assert (made.pixels[:, : WIDTH // 2] != PHOTO[:, : WIDTH // 2]).any()
    np.testing.assert_array_equal(made.pixels[:, WIDTH // 2 + 20 :], np.asarray(picture)[:, WIDTH // 2 + 20 :, :3])
    with pytest.raises(DreamcliError, match="no transparency"):
        make(ReadInput(Picture(PHOTO), ""))


@pytest.mark.parametrize("role", ["style", "guide", "like"])
def test_a_picture_without_anything_visible_is_refused(session: Session, role: str) -> None:
    empty = Image.fromarray(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    forms = {
        "style": lambda: session.stylize(PHOTO, empty, steps=1),
        "guide": lambda: session.dream(PHOTO, guide=empty, steps=1),
        "like": lambda: session.visualize_class("goldfish", like=[empty], steps=1),
    }
    with pytest.raises(WrongRequest, match="transparent everywhere"):
        forms[role]()


@pytest.mark.parametrize("count", [1, 2])
def test_outside_every_region_the_photograph_stays(session: Session, count: int) -> None:
    first = np.zeros((HEIGHT, WIDTH), np.uint8)
    first[:, :20] = 255
    regions = [Image.fromarray(first), Image.fromarray(np.roll(first, 20, 1))][:count]
    styles = [Image.fromarray(PHOTO[::-1]), Image.fromarray(255 - PHOTO)][:count]
    made = session.stylize(PHOTO, *styles, content_masks=regions, layer="stem", **QUICK).picture.pixels
    np.testing.assert_array_equal(made[:, 20 * count :], PHOTO[:, 20 * count :])
    assert (made[:, : 20 * count - 4] != PHOTO[:, : 20 * count - 4]).any()


@pytest.mark.parametrize("form", ["dream", "class", "class, phase", "boost", "style"])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_at_no_strength_the_photograph_stays(session: Session, form: str, has_alpha: bool) -> None:
    picture = cutout(MAGENTA, edge=6) if has_alpha else Image.fromarray(PHOTO)
    made = unchanged(session, form, picture)
    pixels = made.pixels if made.alpha is None else np.dstack([made.pixels, made.alpha])
    np.testing.assert_array_equal(pixels, np.asarray(picture))


def test_a_faint_style_changes_little(session: Session) -> None:
    style = Image.fromarray(255 - PHOTO[::-1])
    settings = {"layer": "stem", "steps": 20, "octaves": 1}
    made = [session.stylize(PHOTO, style, strength=strength, **settings).picture.pixels for strength in (0.02, 0.5)]
    changes = [np.abs(pixels - PHOTO.astype(int)).mean() for pixels in made]
    assert changes[0] < 4 < changes[1]


def test_pictures_of_different_transparency_have_different_digests() -> None:
    digests = {
        read_image(each).picture.sha256 for each in (cutout(GREEN), cutout(GREEN, edge=6), Image.fromarray(PHOTO))
    }
    assert len(digests) == 3
