"""A config file with mistakes in it: all of them are told at once, and not a pin has moved."""

import os
import subprocess
from pathlib import Path

from simulator.bench import car_config
from simulator.bench.wiring import Wiring
from tests.black_box.desk import OUTPOST, PATIENCE_S

MISTAKES = {
    'id = "car-1"': ('id = "car 1"', "unit.id"),
    "keepalive_s = 5": ("keepalive_s = 1", "mqtt.keepalive_s"),
    "commit_interval_s = 2.0": ('commit_interval_s = "often"', "store.commit_interval_s"),
    "health_interval_s = 5.0": ("health_intervall_s = 5.0", "report.health_intervall_s"),
    "pin = 22": ("pin = 17", "input"),
}
"""What stands in a good file, what we make of it, and the key that the message must name."""


def test_five_mistakes_are_five_lines_exit_2_and_no_pin_was_touched(tmp_path: Path) -> None:
    text = car_config.text(car_config.Options(), tmp_path, tmp_path, "mqtt://127.0.0.1:1")
    file = tmp_path / "agent.toml"
    for good, (bad, _) in MISTAKES.items():
        assert text.count(good) == 1, good
        text = text.replace(good, bad)
    file.write_text(text)
    with Wiring(tmp_path / "pins.sock") as wiring:
        env = {**os.environ, "GPIOZERO_PIN_FACTORY": "simulated", "OUTPOST_SIM_PINS": str(wiring.path)}
        done = subprocess.run([*OUTPOST, "run", "-c", str(file)], env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 2
        lines = done.stderr.splitlines()
        assert len(lines) == len(MISTAKES), done.stderr
        written = text.splitlines()
        for bad, key in MISTAKES.values():
            place = f"{file}:{len(written) - written[::-1].index(bad)}: {key}"
            assert any(line.startswith(place) for line in lines), f"{place} is not in\n{done.stderr}"
        assert "did you mean `health_interval_s`?" in done.stderr
        assert "pin 17 is already used by" in done.stderr
        assert [wiring.setup(pin) for pin in range(28)] == [None] * 28
        assert wiring.history() == ()
