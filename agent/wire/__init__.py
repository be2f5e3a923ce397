"""The contract with the outside, both directions: topics, records, orders, codec. Pure: bytes in, typed records out, and back."""
