"""Find the pictures that files, folders and globs name."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

from dreamcli.errors import DreamcliError, Hint, Install, WrongRequest

from .formats import READ_SUFFIXES, READ_VIDEO_SUFFIXES
from .regular import descriptor_of

MAX_WORDS = 10  # of more inputs, none is taken for a part of a name
# folders, in lower case, where systems keep thumbnails and deleted files
_OF_SYSTEMS = {"__macosx", "@eadir", "@recycle", "@tmp", "#recycle", "#snapshot", "$recycle.bin", "lost+found",
               "system volume information"}  # fmt: skip
_RECORD = b'{"job": {"command": "'  # the beginning of every record, since its keys are sorted
_HEAD = 4096  # bytes, in which a record begins in every format but WebP


class Found(NamedTuple):
    """A picture that was found, with the folder that was searched, if any; or a problem and its place."""

    source: Path
    folder: Path | None = None
    problem: str = ""
    hint: Hint | Install | None = None


def checked_inputs(inputs: Iterable[str]) -> list[str]:
    """The inputs as a list.

    Raises:
        WrongRequest: one is empty or a web address, or a name with spaces was typed without quotes.
    """
    inputs = list(inputs)
    if not all(inputs):
        raise WrongRequest("an input has an empty name")
    for given in inputs:
        if given.startswith(("http://", "https://")):
            raise WrongRequest(f"{given} is a web address, not a file", Hint.PIPE)
    if len(inputs) <= MAX_WORDS and (name := _split_name(inputs)):
        raise WrongRequest(f"the name {name!r} has spaces in it, so put it in quotes")
    return inputs


def _split_name(words: list[str]) -> str:
    """The name of an existing file that was typed without quotes, as several inputs; empty if there is none."""
    spans = [(first, last) for first in range(len(words)) for last in range(first + 2, len(words) + 1)]
    for first, last in spans:
        name = " ".join(words[first:last])
        if os.path.exists(name) and not any(map(os.path.exists, words[first:last])):
            return name
    return ""


def find(
    given: str, follow_links: bool = False, skip: str = "", videos: bool = False, left_out: set[Path] | None = None
) -> Iterator[Found]:
    """Find the pictures that an input names: itself, those in a folder, or those that match a glob; in order.

    In folders, hidden files, those of systems, and pictures that carry a record are left out.

    Args:
        given: a file, folder or glob.
        follow_links: follow symbolic links in folders. An input that is a link is always followed.
        skip: the real path of a folder to leave out.
        videos: find videos in folders, too.
        left_out: gets the pictures that were left out because they carry a record.
    """
    path = Path(given)
    if os.path.isdir(given):
        suffixes = READ_SUFFIXES | (READ_VIDEO_SUFFIXES if videos else set())
        yield from _find_in_folder(path, follow_links, skip, suffixes, set() if left_out is None else left_out)
    elif is_glob(given):
        files = sorted({Path(match) for match in _matches(given, follow_links) if os.path.isfile(match)})
        yield from map(Found, files) if files else [Found(path, problem="no file matches this pattern")]
    else:
        yield Found(path)


def find_each(given: Iterable[Path], follow_links: bool = False, left_out: set[Path] | None = None) -> tuple[Path, ...]:
    """Find pictures as `find` does, each once.

    Raises:
        DreamcliError: an input names no picture.
    """
    found = [each for path in given for each in find(str(path), follow_links, left_out=left_out)]
    for each in found:
        if each.problem:
            raise DreamcliError(f"{each.source}: {each.problem}", each.hint)
    return tuple(dict.fromkeys(each.source for each in found))


def find_some(
    given: Iterable[Path], most: int, follow_links: bool = False, left_out: set[Path] | None = None
) -> tuple[Path, ...]:
    """Find pictures as `find` does; if there are too many, take ``most`` of them, evenly spaced.

    Raises:
        DreamcliError: an input names no picture.
    """
    found = find_each(given, follow_links, left_out)
    step = max(1.0, len(found) / most)
    return tuple(found[int(index * step)] for index in range(min(most, len(found))))


def is_glob(given: str) -> bool:
    """Whether an input is a pattern, not the name of something that exists."""
    return glob.has_magic(given) and not os.path.lexists(given)


def is_hidden(name: str) -> bool:
    """Whether a name in a folder is hidden, or belongs to a system."""
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def seems_ours(path: Path) -> bool:
    """Whether a picture seems to carry a record. Quick and safe: it reads a few kilobytes, and decodes nothing."""
    try:
        descriptor = descriptor_of(path)
    except (DreamcliError, OSError):
        return False
    try:
        head = os.read(descriptor, _HEAD)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            head = _exif_of_webp(descriptor)
        return _RECORD in head
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _exif_of_webp(descriptor: int) -> bytes:
    """The first bytes of a WebP's EXIF data, which follows its pixels; empty without any."""
    at = 12
    while len(header := _read_at(descriptor, at, 8)) == 8:
        size = int.from_bytes(header[4:], "little")
        if header.startswith(b"EXIF"):
            return _read_at(descriptor, at + 8, min(size, _HEAD))
        at += 8 + size + size % 2
    return b""


def _read_at(descriptor: int, at: int, count: int) -> bytes:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, count)


def _find_in_folder(
    folder: Path, follow_links: bool, skip: str, suffixes: Set[str], left_out: set[Path]
) -> Iterator[Found]:
    unreadable: list[OSError] = []
    is_empty, has_ours = True, False
    for parent, _, names in _walk(folder, follow_links, skip, unreadable.append):
        place = Path(parent)
        for name in sorted(names):
            is_picture = os.path.splitext(name)[1].lower() in suffixes and not is_hidden(name)
            if not is_picture or (not follow_links and os.path.islink(os.path.join(parent, name))):
                continue
            if seems_ours(place / name):
                has_ours = True
                left_out.add(place / name)
                continue
            is_empty = False
            yield Found(place / name, folder)
    for error in unreadable:
        yield Found(Path(error.filename), problem=f"can't look into this folder ({error.strerror})")
    if is_empty and has_ours:
        problem = "all pictures in this folder are dreamcli's own; to use them, name them, or a pattern such as *.png"
        yield Found(folder, problem=problem)
    elif is_empty and not unreadable:
        only_links = not follow_links and any(path.is_symlink() for path in folder.rglob("*"))
        problem = "there is no picture in this folder" + (", only links" if only_links else "")
        yield Found(folder, problem=problem, hint=Hint.FOLLOW_LINKS if only_links else None)


def _matches(pattern: str, follow_links: bool) -> Iterator[str]:
    """Like `glob.iglob`, but ``**`` doesn't follow links to folders unless asked to, and never in circles."""
    parts = Path(pattern).parts
    if "**" not in parts:
        for match in glob.iglob(pattern):  # matches hidden names only if the pattern has the dot
            names = zip(Path(match).parts, parts, strict=False)
            if not any(name.lower() in _OF_SYSTEMS and name != part for name, part in names):
                yield match
        return
    at = parts.index("**")
    for base in _matches(os.path.join(*parts[:at]), follow_links) if at else [""]:
        for folder, _, _ in _walk(base or os.curdir, follow_links):
            yield from _matches(os.path.join(glob.escape(folder), *parts[at + 1 :] or "*"), follow_links)


def _walk(
    top: str | Path, follow_links: bool, skip: str = "", on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Like `os.walk`, in order, without hidden folders and ``skip``; circles of links are walked once."""
    seen = {skip}
    for parent, folders, names in os.walk(top, onerror=on_error, followlinks=follow_links):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield str(parent), folders, names
