"""What a parser says when bytes are not what the format asks for."""


class Malformed(Exception):
    """Bytes that the format's own reader would refuse, or that cannot be read with certainty.

    The message is one plain sentence without a full stop; `offset` is the byte offset inside the
    parsed data where that was noticed, or None.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"{reason} (at offset {offset:#x})")
        self.reason = reason
        self.offset = offset


class OverLimit(Malformed):
    """Well-formed as far as it was read, but larger than the budget the reader was given."""
