"""The page: a tab for each art form, and one place where pictures appear."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from functools import partial
from pathlib import Path

from nicegui import ui

from dreamcli import forms
from dreamcli.art.artwork import OnStep
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.record import Record
from dreamcli.studio.pictures import Result
from dreamcli.studio.request import Request

from .drops import as_url
from .notes import warn, warn_of
from .queue import Progress, Work
from .shared import Shared
from .tab import FormTab, is_usable

MAIN = ("dream", "class", "boost", "style")  # the others are under "See inside"
INSIDE = "See inside"
UNSHOWN = ("film", "microscope")
POLL_SECONDS = 0.25
PREVIEW = 640  # pixels on the longer side
HERE = Path(__file__).resolve().parent


class Page:
    """What one visitor sees."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._folder = shared.folder / uuid.uuid4().hex
        self._work: Work | None = None
        self._has_left = False
        self._tabs: dict[str, FormTab] = {}  # those that were opened
        self._panels: dict[str, ui.tab_panel] = {}
        ui.context.client.on_delete(self._leave)
        ui.colors(primary="#6d4aff")
        ui.add_head_html(f"<style>{(HERE / 'page.css').read_text('utf-8')}</style>")
        ui.add_body_html(f"<script>{(HERE / 'page.js').read_text('utf-8')}</script>")
        with ui.row().classes("w-full gap-6 page"):
            with ui.column().classes("choices"):
                ui.label("dreamcli").classes("text-2xl font-bold").props("role=heading aria-level=1")
                self._forms()
            with ui.column().classes("results"):
                self._results()

    def _forms(self) -> None:
        """A tab for each form, which is filled once it is opened."""
        self._outer = self._tabs_of((*MAIN, INSIDE))
        with self._panels[INSIDE]:
            self._inner = self._tabs_of(tuple(name for name in forms.FORMS if name not in (*MAIN, *UNSHOWN)))
        self._open(MAIN[0])

    def _tabs_of(self, names: tuple[str, ...]) -> ui.tabs:
        with ui.tabs().classes("w-full").props("dense no-caps align=left") as tabs:
            for name in names:
                ui.tab(name, label=name.capitalize())
        with ui.tab_panels(tabs, value=names[0], keep_alive=True, animated=False).classes("w-full"):
            for name in names:
                self._panels[name] = ui.tab_panel(name).classes("px-0")
        tabs.on_value_change(lambda: self._open(str(self._inner.value if tabs.value == INSIDE else tabs.value)))
        return tabs

    def _open(self, name: str) -> FormTab:
        """The tab of a form, filled."""
        if name not in self._tabs:
            with self._panels[name]:
                self._form(name)
        return self._tabs[name]

    def _form(self, name: str) -> None:
        form = forms.settings_class(name)
        presets = [preset for preset in self._shared.presets if is_usable(preset, form)]
        self._tabs[name] = tab = FormTab(form, presets, self._folder, self._shared, self._on_photo)
        with ui.row():
            make = ui.button("Make it", icon="auto_awesome", on_click=partial(self._make, tab)).classes("make")
            make.bind_enabled_from(self, "_work", lambda work: work is None)
            ui.button("Show the command", on_click=partial(self._show, tab)).props("flat no-caps")

    def _results(self) -> None:
        self._picture = ui.image().classes("w-full picture").props('alt="The picture" fit=contain no-spinner')
        self._bar = ui.linear_progress(0, show_value=False).props('aria-label="Progress" instant-feedback')
        with ui.row().classes("w-full items-center"):
            self._status = ui.label('Choose a form, drop a photograph, and click "Make it".').classes("grow status")
            self._status.props("role=status")
            stop = ui.button("Stop", on_click=self._stop).props("outline").classes("stop")
            stop.bind_enabled_from(self, "_work", lambda work: work is not None)
        self._downloads = ui.row()
        ui.label("The same on the command line").classes("text-sm opacity-80")
        self._command = ui.code("dreamcli dream photo.jpg", language="bash").classes("w-full command")
        ui.label("Made so far").classes("text-sm opacity-80")
        self._shelf = ui.row().classes("w-full gap-2 shelf")

    async def _make(self, tab: FormTab) -> None:
        """Make a picture, and show it as it grows."""
        wanted = self._show(tab)
        if wanted is None:
            return
        work = Work(partial(self._run, wanted))
        try:
            self._shared.queue.join(work)
        except DreamcliError as error:
            warn_of(error)
            return
        self._work = work
        shown: Progress | None = None
        try:
            while not work.is_done:
                await asyncio.sleep(POLL_SECONDS)
                progress = work.progress()
                if before := self._shared.queue.before(work):
                    self._status.text = f"{before} ahead of you"
                elif progress is not shown:
                    shown = progress
                    self._bar.value, self._status.text = progress.share, progress.text
                    if progress.preview is not None:
                        self._picture.set_source(as_url(progress.preview, PREVIEW))
            results = work.results()
            if not self._has_left:
                self._finish(wanted, results)
        except Exception as error:
            self._status.text = "the picture couldn't be made"
            warn_of(error)
        finally:
            self._work, self._bar.value = None, 0

    def _run(self, wanted: Request, on_step: OnStep) -> list[Result]:
        return wanted.make(self._shared.session(wanted.setup.model), self._shared.decoder.read, on_step)

    def _finish(self, wanted: Request, results: list[Result]) -> None:
        """Save pictures, and show them."""
        if not results:
            self._status.text = "stopped before it began"
            return
        self._shared.check_room(self._folder)
        place = self._folder / uuid.uuid4().hex
        place.mkdir(parents=True)
        paths = []
        for name, result in zip(wanted.file_names, results, strict=False):  # fewer if it was stopped
            path = place / name
            result.save(path)
            paths.append(path)
            with self._shelf:
                again = ui.button(on_click=partial(self._look, [path])).props("flat padding=none").classes("made")
                again.props["aria-label"] = f"Show {path.name}"
                with again:
                    ui.image(as_url(result.picture.on_white, 160)).props('alt="" fit=cover')
        self._look([*paths, *([wanted.references.mask] if wanted.references.mask else [])])
        self._status.text = _summary(results[0].record)

    def _look(self, paths: list[Path]) -> None:
        """Show a picture that was made, with what can be downloaded."""
        addresses = {path: self._shared.address(path) for path in paths}
        self._picture.set_source(addresses[paths[0]])
        self._downloads.clear()
        with self._downloads:
            for path, address in addresses.items():
                save = ui.button(path.name, icon="download", on_click=partial(ui.download.from_url, address, path.name))
                save.props("outline no-caps").classes("download")

    def _show(self, tab: FormTab) -> Request | None:
        """Show the command for what the controls ask for, and return that; None if it can't be made."""
        try:
            wanted = tab.request().within(self._shared.largest)
        except DreamcliError as error:
            warn_of(error)
            return None
        self._command.set_content(wanted.command_line())
        return wanted

    def _on_photo(self, tab: FormTab) -> None:
        """Restore the settings of a picture that dreamcli made."""
        record = tab.record
        if record is None or record.provenance.command not in self._panels:
            return
        try:
            settings = record.provenance.form_settings()
        except WrongRequest:
            warn("this picture was made with settings that this version doesn't know")
            return
        tab.forget_photo()
        name = record.provenance.command
        self._open(name).show(settings, record.provenance.network["name"])
        self._outer.set_value(name if name in MAIN else INSIDE)
        if name not in MAIN:
            self._inner.set_value(name)
        needed = [*([record.source] if record.provenance.input else []), *map(str, record.other_sources.values())]
        self._status.text = "its settings are restored" + (f"; now drop {', '.join(needed)}" if needed else "")

    def _stop(self) -> None:
        if self._work:
            self._work.stop()

    def _leave(self) -> None:
        """The tab was closed: end its work, and delete its files."""
        self._stop()
        self._has_left = True
        self._shared.forget(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def _summary(record: Record) -> str:
    """A short summary of how it went."""
    outcome = "stopped; this is the result so far" if record.stopped == "interrupted" else "done"
    return "; ".join(filter(None, [outcome, record.seen_by, *record.notes]))
