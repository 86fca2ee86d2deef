"""Places for transfers: capped for each peer and in total, given back in the end."""

import pytest

from worker.api.middleware import Refusal
from worker.api.places import Places


def refused(places: Places, peer: str) -> int:
    with pytest.raises(Refusal) as caught, places.take(peer):
        pytest.fail("must not be entered")
    return caught.value.status


def test_take__total_reached__is_503_for_a_new_peer():
    places = Places(total=2, per_peer=2)

    with places.take("192.0.2.1"), places.take("192.0.2.2"):
        assert refused(places, "192.0.2.3") == 503
    with places.take("192.0.2.3"):
        pass


def test_take__after_a_failure__is_free_again():
    places = Places(total=1, per_peer=1)

    with pytest.raises(OSError), places.take("192.0.2.1"):
        raise OSError
    with places.take("192.0.2.1"):
        pass


@pytest.mark.parametrize(
    ("first", "second"),
    [("2001:db8::1", "2001:db8::2"), ("192.0.2.1", "::ffff:192.0.2.1")],
)
def test_take__addresses_of_one_peer__share_its_cap(first, second):
    places = Places(total=9, per_peer=1)

    with places.take(first):
        assert refused(places, second) == 429
        with places.take("2001:db8:0:1::1"):
            pass
