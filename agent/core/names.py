"""Names of records: the boot and a counter, handed out once each."""


class Names:
    """The counter of one boot: (`unit`, `boot`, `seq`) names a record for ever."""

    def __init__(self, unit: str, boot: str) -> None:
        self.unit = unit
        self.boot = boot
        self.last = 0

    def take(self) -> int:
        """The next number: 1, 2, 3 …"""
        self.last += 1
        return self.last

    def name(self, seq: int) -> str:
        """A record's name in the store, and an alarm's id: `{boot}-{seq}`."""
        return f"{self.boot}-{seq}"
