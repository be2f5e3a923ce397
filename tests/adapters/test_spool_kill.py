"""kill -9: what was said to be stored is there afterwards, and nothing else is."""

import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.core.events import Lane
from tests.adapters.spools import running

WRITER = """
import os, queue, sys, time
from agent.adapters.spool import Spool
from agent.core.effects import OpenSpool, Store
from agent.core.events import Lane, SpoolOpened, Stored

path, boot = sys.argv[1:]

def post(event):
    if isinstance(event, Stored):
        os.write(1, "".join(f"{name}\\n" for name in event.names).encode())

spool = Spool(path, 1 << 28, boot, post, time.monotonic)
spool.start()
spool.perform(OpenSpool())
for seq in range(1, 1_000_000):
    name = f"{boot}-{seq}"
    # Blocking, unlike perform: this writer wants every row to be done, as fast as it goes.
    spool._waiting.put(Store(name, list(Lane)[seq % len(Lane)], name.encode() * 20))
"""


@pytest.mark.parametrize("seed", range(5))
def test_what_was_said_to_be_stored_survives_kill_9(tmp_path: Path, seed: int) -> None:
    """Several times in one store: kills at random moments, names read from the pipe until the end."""
    moments = random.Random(seed)
    said: list[str] = []
    for turn in range(2):
        boot = f"{seed:08x}{turn:08x}"
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), boot], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            pipe = writer.stdout.fileno()
            parts = [os.read(pipe, 65536)]
            deadline = time.monotonic() + moments.uniform(0.0, 0.2)
            while (left := deadline - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
                parts.append(os.read(pipe, 65536))
            writer.kill()
            while parts[-1]:
                parts.append(os.read(pipe, 65536))
        # A last line without its end was cut off by the kill.
        said += [line for line in b"".join(parts).decode().split("\n")[:-1] if line]
    with running(tmp_path, "f" * 16, 1 << 28) as run:
        opened = run.open()
        rows = [row for lane in Lane for row in run.rows(lane)]
    assert len(said) > 1
    assert set(said) <= {row.name for row in rows}
    assert sum(opened.waiting.values()) == len(rows)
    assert all(row.payload == row.name.encode() * 20 and row.lane == list(Lane)[int(row.name.split("-")[1]) % len(Lane)] for row in rows)
    for turn in range(2):
        boot = f"{seed:08x}{turn:08x}"
        seqs = sorted(int(row.name.split("-")[1]) for row in rows if row.name.startswith(boot))
        assert seqs == list(range(1, len(seqs) + 1)), "the rows of a boot are a prefix of what was asked for, in order"
