"""What a wire does to a receiver's bytes: what was sent goes in, what arrives comes out. Pure; chance comes in as a `random.Random`."""

import random

BITS = 10
"""Of a byte on the wire: a start bit (0), eight of data, lowest first, a stop bit (1)."""

LOST_MAX = 60
"""Bytes lost at once: an interrupt that was not served for 5 ms at 115200 baud."""


def at_another_speed(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """What a UART set to `heard_baud` makes of bytes sent at `sent_baud`: each bit sampled in its middle, a wrong stop bit gives 0."""
    bits = [bit for byte in data for bit in (0, *((byte >> n) & 1 for n in range(8)), 1)]
    step = sent_baud / heard_baud
    heard = bytearray()
    at = 0.0
    while at < len(bits):
        if bits[int(at)]:
            at = float(int(at) + 1)
            continue
        sampled = [bits[min(int(at + (n + 0.5) * step), len(bits) - 1)] for n in range(BITS)]
        heard.append(sum(bit << n for n, bit in enumerate(sampled[1:9])) if sampled[9] else 0)
        at += (BITS - 0.5) * step
        while at < len(bits) and not sampled[9] and not bits[int(at)]:  # a break: the line has to go up first
            at += 1
    return bytes(heard)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Some bytes in a row are lost, in the middle of a line or over its end."""
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, LOST_MAX) :]


def merged(data: bytes, chance: random.Random) -> bytes:
    """The end of one line and the beginning of the next are lost: two lines come as one."""
    ends = [n for n in range(len(data) - 2) if data[n : n + 2] == b"\r\n"]
    if not ends:
        return data
    end = chance.choice(ends)
    return data[: end - chance.randint(0, 8)] + data[end + 2 + chance.randint(1, 8) :]


def garbage(data: bytes, chance: random.Random) -> bytes:
    """Noise between, before or within lines; it may hold any byte."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randint(1, 80)) + data[at:]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """A bit is another."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


TROUBLES = {"cut": cut, "merged": merged, "garbage": garbage, "flipped": flipped}
"""By name; each takes bytes (not none) and a chance."""
