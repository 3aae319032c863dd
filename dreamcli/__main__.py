"""``python -m dreamcli`` and the ``dreamcli`` command."""

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from dreamcli.cli import run  # here, so that Ctrl-C is heard while it is imported

        code = run()
    except KeyboardInterrupt:
        code = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the code tells already what could not be printed
            if stream:  # there may be none: `>&-`
                stream.flush()
    # every file is written and closed by now; letting the interpreter take torch apart costs half a second
    os._exit(code)


if __name__ == "__main__":
    main()
