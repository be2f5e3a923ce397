"""A serial port offered over the network by RFC 2217, as a port server in a vehicle does: pyserial's own server side, on loopback."""

import contextlib
import socket
import threading

import serial
import serial.rfc2217

from tests.timing import PATIENCE_S


class PtyPort(serial.Serial):
    """A pseudo-terminal has no modem lines; those that the far side sets go nowhere."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


class FarPort:
    """Serves one caller after the other, until `close`; `url` is what to call."""

    def __init__(self, port: str) -> None:
        self.serial = PtyPort(port, timeout=0.02)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._caller: socket.socket | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="far port", daemon=True)
        self.url = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread.start()

    def write(self, data: bytes) -> None:
        """To the caller; called by the server side of the protocol."""
        if self._caller is not None:
            self._caller.sendall(data)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self._caller, _ = self._listener.accept()
            except TimeoutError:
                continue
            with self._caller, contextlib.suppress(OSError):
                self._caller.settimeout(0.01)
                self._serve(self._caller)
            self._caller = None

    def _serve(self, caller: socket.socket) -> None:
        manager = serial.rfc2217.PortManager(self.serial, self)  # type: ignore[arg-type]  # the stubs name the caller's class
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                data = caller.recv(1024)
                if not data:
                    return
                self.serial.write(b"".join(manager.filter(data)))
            self.write(b"".join(manager.escape(self.serial.read(self.serial.in_waiting or 1))))

    def close(self) -> None:
        """Hang up."""
        self._end.set()
        self._thread.join(PATIENCE_S)
        self._listener.close()
        self.serial.close()
