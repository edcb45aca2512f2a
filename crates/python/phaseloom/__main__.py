"""The command ``phaseloom``: the same command line as that of the program."""

from __future__ import annotations

import sys

from ._phaseloom import command_line


def main() -> int:
    """Runs the command line with the arguments of this process and returns its exit code."""
    return command_line(["phaseloom", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
