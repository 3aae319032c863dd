"""Which formats are read, written and filmed, and which carry a record. The names are Pillow's."""

from __future__ import annotations

PIPE = "-"  # in place of a file: stdin, or stdout
READ = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
HEIF = "HEIF"  # is read, too, if the extra `heif` is installed
READ_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"]
)
WITH_RECORD = ("PNG", "JPEG", "WEBP", "GIF")

# by suffix
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
ANIMATED = {".gif": "GIF", ".webp": "WEBP"}
VIDEOS = (".mp4", ".webm", ".mkv")
READ_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
FILMS = (*VIDEOS, *ANIMATED)
TRANSPARENT_FILMS = (".mkv", *ANIMATED)  # the others have no alpha
EVEN_FILMS = (".mp4", ".webm")  # whose sides are even

MAX_SIDE = {"PNG": 2**31 - 1, "JPEG": 65_535, "WEBP": 16_383}  # pixels that each written format can hold
