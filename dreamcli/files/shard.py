"""Divide a plan among machines that know nothing of each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class Shard:
    """Share ``index`` of ``count``, counted from 1. Every key is in exactly one share, the same on every machine."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N``.

        Raises:
            ValueError: the text has another form.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise ValueError(f"{text!r} is not of the form I/N, with I from 1 to N: 1/4 is the first of four shares")
        return cls(int(index), int(count))

    def has(self, key: str) -> bool:
        """Whether a key is in this share."""
        digest = sha256(os.fsencode(key)).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1
