"""Run the same batch several times at once, into one folder, and check that nothing is torn, doubled or left behind.

    python -m tests.faults.together --runs 3 --times 10

Prints what it found as JSON, and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.stop import differences, make_pictures, start_run, wait


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--size", type=int, default=64, help="pixels on each side of a picture")
    given = parser.parse_args()
    import dreamcli.studio.session  # noqa: F401 (so that no fork has to import torch)

    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_pictures(Path("in"), given.pictures, given.size)
        wait(start_run("whole", []))
        for _ in range(given.times):
            runs = [start_run("out", []) for _ in range(given.runs)]
            wrong += [f"a run exits with {code}" for run in runs if (code := wait(run))]
            wrong += differences(Path("whole"), Path("out"))
            shutil.rmtree("out")
    print(json.dumps({"times": given.times, "runs": given.runs, "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
