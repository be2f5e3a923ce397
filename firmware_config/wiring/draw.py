"""The wiring drawings: the boards of firmware_config/boards go in; SVG files come out beside this one, the same each time.

Run `python -m firmware_config.wiring.draw --write` after a change to a board or to a circuit.
"""

import sys
from pathlib import Path

from agent import config_file
from firmware_config.wiring import circuits, plan

HERE = Path(__file__).resolve().parent
BOARDS = HERE.parent / "boards"


def drawings() -> dict[str, str]:
    """The text of every drawing by the name of its file: a plan for each board, a circuit for each part.

    Raises:
        agent.config_text.ConfigErrors: a board has mistakes.
    """
    plans = {file.stem: plan.draw(config_file.read_board(file)) for file in sorted(BOARDS.glob("*.toml"))}
    return {f"{name}.svg": drawing.svg() for name, drawing in (plans | circuits.drawings()).items()}


def main(argv: list[str]) -> int:
    """Write them all, or say which are not as they should be: 0, or 1."""
    stale = [name for name, text in drawings().items() if not (HERE / name).exists() or (HERE / name).read_text("utf-8") != text]
    for name in stale:
        sys.stdout.write(f"{HERE / name}\n")
        if "--write" in argv:
            (HERE / name).write_text(drawings()[name], "utf-8")
    return 0 if "--write" in argv or not stale else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
