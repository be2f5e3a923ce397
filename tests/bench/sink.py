"""The centre of the benchmarks, as cheap as it can be: all messages under a filter in, one file of them with their moments out.

    python tests/bench/sink.py HOST PORT FILTER FILE

MQTT 3.1.1 at QoS 1 over a socket, without a library, so that on two cores the centre does not cost what is measured. Says `ready` on stdout
when it listens, and ends when stdin does. FILE: for each message f64 monotonic seconds, u16 and u32 lengths, topic, payload (big-endian).
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEAD = struct.Struct(">dHI")


class Heard(NamedTuple):
    """A message as it arrived, at `at` monotonic seconds."""

    at: float
    topic: str
    payload: bytes


def read(file: Path) -> Iterator[Heard]:
    """The messages of a FILE, in the order in which they arrived; a half-written last one is left out."""
    data = file.read_bytes()
    place = 0
    while place + HEAD.size <= len(data):
        at, topic, payload = HEAD.unpack_from(data, place)
        start = place + HEAD.size
        place = start + topic + payload
        if place > len(data):
            return
        yield Heard(at, data[start : start + topic].decode(), data[start + topic : place])


def packets(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Whole MQTT packets off the front of the buffer: first byte and body (MQTT 3.1.1, section 2.2)."""
    place = 0
    while True:
        length, shift, body = 0, 0, place + 1
        while body < len(buffer):
            length |= (buffer[body] & 127) << shift
            shift += 7
            body += 1
            if not buffer[body - 1] & 128:
                break
        else:
            break
        if body + length > len(buffer):
            break
        yield buffer[place], bytes(buffer[body : body + length])
        place = body + length
    del buffer[:place]


def text(word: str) -> bytes:
    """A UTF-8 string as MQTT has it."""
    return struct.pack(">H", len(word.encode())) + word.encode()


def main() -> None:
    """Subscribe, and write down what comes."""
    host, port, wanted, file = sys.argv[1:]
    sock = socket.create_connection((host, int(port)), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(None)
    connect = text("MQTT") + b"\x04\x02\x00\x00" + text(f"sink-{port}")
    subscribe = b"\x00\x01" + text(wanted) + b"\x01"
    sock.sendall(bytes([0x10, len(connect)]) + connect + bytes([0x82, len(subscribe)]) + subscribe)
    buffer = bytearray()
    with Path(file).open("wb", buffering=0) as out:
        while True:
            readable, _, _ = select.select([sock, sys.stdin], [], [])
            if sock not in readable:
                return
            data = sock.recv(1 << 18)
            at = time.monotonic()
            if not data:
                return
            buffer += data
            written, acks = bytearray(), bytearray()
            for first, body in packets(buffer):
                if first >> 4 == 9:
                    print("ready", flush=True)
                if first >> 4 != 3:
                    continue
                topic = 2 + int.from_bytes(body[:2], "big")
                payload = topic
                if first & 6:
                    acks += b"\x40\x02" + body[topic : topic + 2]
                    payload += 2
                written += HEAD.pack(at, topic - 2, len(body) - payload) + body[2:topic] + body[payload:]
            if acks:
                sock.sendall(acks)
            if written:
                out.write(written)


if __name__ == "__main__":
    main()
