"""An opening on the wire."""

import pytest

from worker.errors import InvalidBlobError
from worker.protocol.openings import MAX_BYTES, Opening
from worker.types import OperatorId

WORD = "0x" + "ab" * 32


def test_decode__what_was_encoded__comes_back_within_the_cap():
    opening = Opening(OperatorId((1 << 24) - 1), 7, (b"\x01" * 32,) * 32, b"\x02" * 32)

    assert Opening.decode(opening.encode()) == opening
    assert len(opening.encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 4_000,
        f'{{"operator":1,"round":1,"salt":"{WORD}"}}',
        f'{{"operator":1,"round":1,"values":[],"salt":"{WORD}"}}',
        f'{{"operator":true,"round":1,"values":["{WORD}"],"salt":"{WORD}"}}',
        f'{{"operator":-1,"round":1,"values":["{WORD}"],"salt":"{WORD}"}}',
        f'{{"operator":1,"round":8,"values":["{WORD}"],"salt":"{WORD}"}}',
        f'{{"operator":1,"round":1,"values":["0x12"],"salt":"{WORD}"}}',
        f'{{"operator":1,"round":1,"values":[5],"salt":"{WORD}"}}',
        f'{{"operator":1,"round":1,"values":["{WORD}"],"salt":null}}',
        f'{{"operator":1,"round":1,"values":["0x{"zz" * 32}"],"salt":"{WORD}"}}',
    ],
)
def test_decode__nonsense__raises(text):
    with pytest.raises(InvalidBlobError):
        Opening.decode(text.encode())
