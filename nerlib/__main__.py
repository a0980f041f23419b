"""`python -m nerlib`: the command line, which `nerlib.tools.cli` is."""

import sys
from collections.abc import Sequence

from nerlib.tools.commands import print_overview


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, by default the one that the program was started with; return its status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if print_overview(arguments):
        return 0
    from nerlib.tools import cli  # which imports PyTorch

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
