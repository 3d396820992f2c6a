"""`python -m genapps` is the command."""

import sys

from genapps.cli import main

if __name__ == "__main__":
    sys.exit(main())
