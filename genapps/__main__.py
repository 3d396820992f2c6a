"""`python -m genapps` is the command."""

from genapps.cli import run

if __name__ == "__main__":
    run()
