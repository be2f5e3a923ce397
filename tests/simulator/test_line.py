"""The network between the car and the broker, on real sockets."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from simulator.bench.line import Line, State
from tests.timing import PATIENCE_S, best_of


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that says everything back."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    done = threading.Event()

    def serve(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(65536):
                sock.sendall(data)

    def accept() -> None:
        with server:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    sock, _ = server.accept()
                    sock.settimeout(PATIENCE_S)
                    threading.Thread(target=serve, args=(sock,), name="echo", daemon=True).start()

    thread = threading.Thread(target=accept, name="echo-accept", daemon=True)
    thread.start()
    yield server.getsockname()[1]
    done.set()
    thread.join(PATIENCE_S)


@pytest.fixture
def line(echo_port: int) -> Iterator[Line]:
    """An open line to the echo."""
    made = Line(echo_port)
    yield made
    made.close()


def connect(line: Line, timeout: float = PATIENCE_S) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=timeout)


def receive(sock: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        data += sock.recv(65536)
    return data


def test_what_goes_in_comes_out_and_is_counted(line: Line) -> None:
    with connect(line) as sock:
        for data in (b"hello", bytes(range(256)) * 2000):
            threading.Thread(target=sock.sendall, args=(data,), daemon=True).start()
            assert receive(sock, len(data)) == data
    line.restore()  # a turn of the line: it counts after it has sent
    assert line.bytes_up == line.bytes_down == 512_005


def test_a_cut_resets_connections_and_refuses_new_ones(line: Line) -> None:
    with connect(line) as sock:
        sock.sendall(b"x")
        receive(sock, 1)
        line.cut()
        assert line.state is State.CUT
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            connect(line)
    line.cut()
    line.restore()
    with connect(line) as sock:
        sock.sendall(b"again")
        assert receive(sock, 5) == b"again"


def test_a_black_hole_keeps_connections_and_passes_nothing_until_restored(line: Line) -> None:
    with connect(line) as sock:
        sock.sendall(b"a")
        receive(sock, 1)
        line.black_hole()
        before = line.bytes_up
        sock.sendall(b"lost in the tunnel")
        with connect(line) as late:
            late.sendall(b"too")
            late.settimeout(0.2)
            with pytest.raises(TimeoutError):
                late.recv(1)
            sock.settimeout(0.1)
            with pytest.raises(TimeoutError):
                sock.recv(1)
            assert line.bytes_up == before
            line.restore()
            sock.settimeout(PATIENCE_S)
            late.settimeout(PATIENCE_S)
            assert receive(sock, 18) == b"lost in the tunnel"
            assert receive(late, 3) == b"too"


def test_a_delay_counts_in_each_direction(line: Line) -> None:
    line.delay_s = 0.1
    with connect(line) as sock:

        def there_and_back() -> float:
            begin = time.monotonic()
            sock.sendall(b"x")
            receive(sock, 1)
            return time.monotonic() - begin

        assert 0.2 <= best_of(there_and_back, 0.4) < 0.4


def test_a_narrow_line_takes_its_time(line: Line) -> None:
    line.bytes_per_s = 50_000
    with connect(line) as sock:

        def there_and_back() -> float:
            begin = time.monotonic()
            threading.Thread(target=sock.sendall, args=(bytes(20_000),), daemon=True).start()
            receive(sock, 20_000)
            return time.monotonic() - begin

        assert 0.4 <= best_of(there_and_back, 1.2) < 1.2


def test_an_end_on_one_side_reaches_the_other(line: Line) -> None:
    with connect(line) as sock:
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock, 3) == b"bye"
        assert sock.recv(1) == b""
    deadline = time.monotonic() + PATIENCE_S
    while line.connections and time.monotonic() < deadline:
        line.restore()  # a turn of the line
    assert line.connections == 0


def test_nobody_behind_the_line_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    line = Line(port)
    with pytest.raises(ConnectionResetError), connect(line) as sock:  # connect() itself may see it already
        sock.recv(1)
    line.close()


def test_a_closed_line_leaves_no_thread_and_no_port(echo_port: int) -> None:
    line = Line(echo_port)
    sock = connect(line)
    sock.sendall(b"x")
    receive(sock, 1)
    line.close()
    line.close()
    with sock, pytest.raises(ConnectionResetError):
        sock.recv(1)
    assert "line" not in [t.name for t in threading.enumerate()]
    with pytest.raises(ConnectionRefusedError):
        connect(line)
