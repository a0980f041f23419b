"""`python -m nerlib`: the command line, which `nerlib.tools.cli` is."""

import sys

from nerlib.tools.commands import print_overview


def main() -> int:
    """Run the command that the program was started with; return its exit status."""
    if print_overview(sys.argv[1:]):
        return 0
    from nerlib.tools import cli  # which imports PyTorch

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
