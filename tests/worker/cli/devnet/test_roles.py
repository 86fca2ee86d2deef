"""How a cast is written, and what its parts change."""

import pytest

from worker.cli.devnet.cast.roles import FLOODER, Cast
from worker.errors import UsageError


def test_parse__parts_with_numbers__in_their_order() -> None:
    cast = Cast.parse("honest:2, liar:1,flooder:2,griefer:1")

    assert cast == Cast(("honest", "honest", "liar", "griefer"), flooders=2)
    assert FLOODER not in cast.operators


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a part of a cast: ''"),
        ("honest", "not a part of a cast: 'honest'"),
        ("honest:0", "not a part"),
        ("honest:1,thief:2", "'thief:2'; write NAME:NUMBER of honest, liar"),
        ("liar:3", "somebody honest"),
        ("honest:19,liar:2", "at most 20 operators"),
        ("honest:1,flooder:4", "at most 20 operators and 3 flooders"),
    ],
)
def test_parse__not_a_cast__says_why(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Cast.parse(text)
