"""`outpost`: the words of a command line go in, the command runs, its exit code comes out."""

import sys

from agent.cli import parser


def main() -> int:
    """The console script."""
    return parser.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
