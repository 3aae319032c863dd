"""Places to drop pictures, and to paint on one."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakMethod

import numpy as np
from nicegui import events, ui
from PIL import Image, ImageDraw

from dreamcli.errors import DreamcliError, check
from dreamcli.files.reading import Pixels
from dreamcli.files.record import Record

from .notes import warn
from .shared import Shared

MAX_UPLOAD = 50_000_000  # bytes
MAX_DROPPED = 100  # in one place
MAX_NAME, MAX_SUFFIX = 50, 10  # letters of a name, which may have four bytes each
THUMBNAIL = 360  # pixels on the longer side
CANVAS = 640
BRUSH = 0.08  # of the shorter side


def reduced(pixels: Pixels, side: int) -> Image.Image:
    """Pixels as an image of at most ``side`` pixels on each side."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    return image


def as_url(pixels: Pixels, side: int) -> str:
    """Pixels as a small JPEG in a data URL."""
    image = reduced(pixels, side)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def file_name(typed: str) -> str:
    """A file's name for what a browser calls an upload, which may be anything."""
    letters = "".join(letter if letter.isprintable() else "_" for letter in re.split(r"[/\\]", typed)[-1])
    path = Path(letters if letters.strip(". ") else "picture")
    return path.stem[:MAX_NAME] + path.suffix[:MAX_SUFFIX]


@dataclass(frozen=True)
class Dropped:
    """A picture that was dropped.

    Attributes:
        preview: its thumbnail.
        record: what dreamcli made it from, if it did.
    """

    path: Path
    preview: Pixels
    record: Record | None = None


class Drop:
    """A place that takes pictures by drop, by choice or, on a phone, by camera. `page.js` lets it take them by paste.

    Args:
        label: what it is for.
        folder: where the files go.
        shared: has the decoder, and room for files.
        on_change: called after a picture was dropped or removed.
        several: whether it holds more than one.
    """

    def __init__(
        self,
        label: str,
        folder: Path,
        shared: Shared,
        on_change: Callable[[], None] = lambda: None,
        several: bool = False,
    ) -> None:
        self.dropped: list[Dropped] = []
        self._folder, self._shared, self._on_change, self._several = folder, shared, on_change, several
        # FastAPI remembers the upload's route long after its visitor has left: it mustn't hold on to all of the page
        take = WeakMethod(self._take)

        async def take_weakly(event: events.UploadEventArguments) -> None:
            if taking := take():
                await taking(event)

        self._upload = ui.upload(
            label=f"{label}: drop, paste or choose" if not several else f"{label}: drop or choose", multiple=several,
            auto_upload=True, max_file_size=MAX_UPLOAD, on_upload=take_weakly,
            on_rejected=lambda: warn(f"only pictures up to {MAX_UPLOAD // 10**6} MB"),
        )  # fmt: skip
        self._upload.props('accept="image/*" flat bordered hide-upload-btn').classes("w-full drop")
        self._shown = ui.row().classes("w-full gap-2")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The pictures' files."""
        return tuple(each.path for each in self.dropped)

    def clear(self) -> None:
        """Remove all pictures."""
        self.dropped.clear()
        self._shown.clear()
        self._on_change()

    async def _take(self, event: events.UploadEventArguments) -> None:
        self._upload.run_method("removeUploadedFiles")  # from its list; the others go on
        path = self._folder / uuid.uuid4().hex / file_name(event.file.name)
        try:
            check(len(self.dropped) < MAX_DROPPED or not self._several, f"{MAX_DROPPED} pictures are enough here")
            self._shared.check_room(self._folder, event.file.size())
            path.parent.mkdir(parents=True)
            await event.file.save(path)
            dropped = await asyncio.to_thread(self._read, path)
        except DreamcliError as error:
            path.unlink(missing_ok=True)
            warn(f"{path.name}: {error}")
            return
        if not self._several:
            self.dropped.clear()
            self._shown.clear()
        self.dropped.append(dropped)
        self._show(dropped)
        self._on_change()

    def _read(self, path: Path) -> Dropped:
        decoder, side = self._shared.decoder, THUMBNAIL if self._several else CANVAS
        preview = np.asarray(reduced(decoder.read(path).on_white, side))
        record = None
        with suppress(DreamcliError):  # its format may have none
            record = decoder.record(path)
        return Dropped(path, preview, record)

    def _show(self, dropped: Dropped) -> None:
        """Show a picture that was dropped, with a button to remove it."""

        def remove() -> None:
            self.dropped.remove(dropped)
            column.delete()
            self._on_change()

        with self._shown, ui.column().classes("gap-0") as column:
            image = ui.image(as_url(dropped.preview, THUMBNAIL)).props("fit=contain").classes("w-40")
            image.props["alt"] = dropped.path.name
            with ui.row().classes("items-center gap-1"):
                ui.label(dropped.path.name).classes("text-sm opacity-80 max-w-32 truncate")
                button = ui.button(icon="close", on_click=remove).props("flat dense round size=sm")
                button.props["aria-label"] = f"Remove {dropped.path.name}"


class Mask:
    """A brush over a photograph: the picture may change where it was painted."""

    def __init__(self) -> None:
        self._size = (1, 1)
        self._strokes: list[list[tuple[float, float]]] = []
        self._canvas = ui.interactive_image(
            on_mouse=self._paint, events=["pointerdown", "pointermove", "pointerup", "pointerleave"]
        )
        self._canvas.classes("w-full canvas").props('alt="The photograph, to paint on"')
        self._hint = ui.label("Drop a photograph first.")
        with ui.row():
            ui.button("Undo", on_click=self._undo).props("flat")
            ui.button("Clear", on_click=self._clear).props("flat")
        self.background(None)

    def background(self, photo: Dropped | None) -> None:
        """Begin with another photograph."""
        self._strokes = []
        self._hint.visible, self._canvas.visible = photo is None, photo is not None
        if photo:
            height, width = photo.preview.shape[:2]
            self._size = (width, height)
            self._canvas.set_source(as_url(photo.preview, CANVAS))
        self._draw()

    def write(self, place: Path) -> Path | None:
        """Write what was painted, white on black; None if nothing was."""
        if not self._strokes:
            return None
        image = Image.new("L", self._size)
        draw = ImageDraw.Draw(image)
        width = round(self._brush)
        for stroke in self._strokes:
            draw.line(stroke, 255, width, "curve")
            for x, y in stroke:
                draw.circle((x, y), width / 2, 255)
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place)
        return place

    @property
    def _brush(self) -> float:
        return max(1, BRUSH * min(self._size))

    def _paint(self, event: events.MouseEventArguments) -> None:
        point = (event.image_x, event.image_y)
        if event.type == "pointerdown":
            self._strokes.append([point])
        elif event.type == "pointermove" and event.buttons & 1 and self._strokes:
            self._strokes[-1].append(point)
        else:
            return
        self._draw()

    def _undo(self) -> None:
        del self._strokes[-1:]
        self._draw()

    def _clear(self) -> None:
        self._strokes.clear()
        self._draw()

    def _draw(self) -> None:
        style = f'fill="none" stroke="white" stroke-opacity="0.7" stroke-width="{self._brush:.1f}"'
        lines = (" ".join(f"{x:.1f},{y:.1f}" for x, y in (*stroke, stroke[-1])) for stroke in self._strokes)
        self._canvas.content = "".join(
            f'<polyline points="{points}" {style} stroke-linecap="round" stroke-linejoin="round"/>' for points in lines
        )
