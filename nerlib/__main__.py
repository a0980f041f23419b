"""`python -m nerlib`: the command line, which `nerlib.tools.cli` is."""

import sys

from nerlib.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
