"""Plain orders for development: kind and body in, the bytes of an unsigned order out. A unit takes them only when its config allows it."""

from typing import Any

import msgpack


def plain_order(kind: str, body: dict[str, Any], jti: str, iat: float) -> bytes:
    """An unsigned order as a msgpack map. `jti`: names it, at most 36 characters; `iat`: issued, seconds UTC."""
    return bytes(msgpack.packb({"jti": jti, "kind": kind, "iat": iat, "body": body}))
