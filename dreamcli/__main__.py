"""``python -m dreamcli`` and the ``dreamcli`` command."""

import sys

from dreamcli.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
