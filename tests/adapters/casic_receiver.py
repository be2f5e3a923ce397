"""A CASIC receiver on a pseudo-terminal, in a time that runs faster than ours: it obeys `$PCAS` as its protocol says, or does not."""

import threading
from pathlib import Path

from tests.adapters.pty_receiver import PtyReceiver, sentence
from tests.timing import PATIENCE_S

BAUDS = {"0": 4800, "1": 9600, "2": 19200, "3": 38400, "4": 57600, "5": 115200}
SYSTEMS = {"1": ("GP",), "2": ("BD",), "3": ("GP", "BD"), "7": ("GP", "BD", "GL")}
SYSTEM_ID = {"GP": "1", "GL": "2", "BD": "4"}
GARBAGE = b"\xf8\x00\x1e\x98garbage of another speed\xe0\xff"


class CasicReceiver:
    """Talks from `start` to `close`. `obeys`: the commands that it knows (`01` baud, `02` rate, `03` sentences, `04` systems, `06` who)."""

    def __init__(self, port: Path, times: float, obeys: tuple[str, ...] = ("01", "02", "03", "04", "06")) -> None:
        self.pty = PtyReceiver(port)
        self.obeys = obeys
        self.commands: list[str] = []
        self.read_at: set[int] = set()
        """The speeds at which it was listened to when it spoke."""
        self._times = times
        self._ms = 0
        self._fixes = 0
        self._tail = b""
        self._dips = threading.Event()
        self._end = threading.Event()
        self._reset()
        self._thread = threading.Thread(target=self._run, name="casic receiver", daemon=True)

    def _reset(self) -> None:
        self.baud = 9600
        self.period_s = 1.0
        self.systems: tuple[str, ...] = ("GP", "BD")
        self.standard = False

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join(PATIENCE_S)
        self.pty.close()

    def dip(self) -> None:
        """Its supply dips: it starts again as it was bought."""
        self._dips.set()

    def _run(self) -> None:
        while not self._end.wait(self.period_s / self._times):
            if self._dips.is_set():
                self._reset()
                self._dips.clear()
            self._listen()
            self._ms += round(self.period_s * 1000)
            self._fixes += 1
            baud = self.pty.baud
            self.read_at.add(baud)
            self.pty.say(self._cycle() if baud == self.baud else GARBAGE)

    def _listen(self) -> None:
        *lines, self._tail = (self._tail + self.pty.heard()).split(b"\r\n")
        for line in lines:
            body = line.decode("ascii").removeprefix("$")[:-3]
            assert line + b"\r\n" == sentence(body)
            self.commands.append(body)
            command, *fields = body.split(",")
            if command.removeprefix("PCAS") in self.obeys:
                self._obey(command.removeprefix("PCAS"), fields)

    def _obey(self, command: str, fields: list[str]) -> None:
        match command:
            case "01":
                self.baud = BAUDS[fields[0]]
            case "02":
                self.period_s = int(fields[0]) / 1000
            case "03":
                self.standard = True
            case "04":
                self.systems = SYSTEMS[fields[0]]
            case "06":
                self.pty.say(sentence("GPTXT,01,01,02,SW=URANUS5,V5.3.0.0"))

    def _cycle(self) -> bytes:
        t = f"12{self._ms // 60_000 % 60:02}{self._ms // 1000 % 60:02}.{self._ms % 1000:03}"
        said = sentence(f"GNGGA,{t},3637.0,N,10146.7,E,1,{4 * len(self.systems):02},0.9,2261.5,M,-21.6,M,,")
        for system in self.systems:
            said += sentence(f"GNGSA,A,3,01,02,03,04,,,,,,,,,1.5,0.9,1.2,{SYSTEM_ID[system]}")
        if not self.standard or self._fixes % 5 == 0:
            for system in self.systems:
                said += sentence(f"{'BD' if system == 'BD' else system}GSV,1,1,03,01,40,083,41,02,17,308,40,03,60,200,44")
        if not self.standard:
            said += sentence(f"GNGLL,3637.0,N,10146.7,E,{t},A,A")
        return said + sentence(f"GNRMC,{t},A,3637.0,N,10146.7,E,0.00,90.0,221126,,,A,V")
