"""``python -m dreamcli`` and the ``dreamcli`` command."""

import os
import sys

from dreamcli.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    # every file is written and closed by now; letting the interpreter take torch apart costs half a second
    os._exit(code)


if __name__ == "__main__":
    main()
