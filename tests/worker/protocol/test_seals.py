"""Seals bind everything they name."""

from worker.protocol.record import FAILED, ExitClass, Record, blind
from worker.protocol.seals import is_opened, salt_for, seal_digest

KEY, SALT, VALUE = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32


def test_seal_digest__any_part_changed__differs() -> None:
    seal = seal_digest(KEY, 1, 1, 7, [VALUE], SALT)
    others = [
        seal_digest(SALT, 1, 1, 7, [VALUE], SALT),
        seal_digest(KEY, 2, 1, 7, [VALUE], SALT),
        seal_digest(KEY, 1, 2, 7, [VALUE], SALT),
        seal_digest(KEY, 1, 1, 8, [VALUE], SALT),
        seal_digest(KEY, 1, 1, 7, [VALUE, VALUE], SALT),
        seal_digest(KEY, 1, 1, 7, [VALUE], KEY),
    ]
    assert seal not in others
    assert len(set(others)) == len(others)


def test_salt_for__same_place__is_the_same_and_secret_to_the_key() -> None:
    assert salt_for(KEY, SALT, 1, 1) == salt_for(KEY, SALT, 1, 1)
    places = {salt_for(KEY, SALT, batch, number) for batch in range(3) for number in range(1, 4)}
    assert len(places) == 9
    assert salt_for(SALT, SALT, 1, 1) not in places


def test_blind__failed__stays_itself() -> None:
    assert blind(FAILED) == FAILED
    assert blind(VALUE) != VALUE


def test_is_opened__top_bit__tells() -> None:
    assert is_opened(1 << 255)
    assert not is_opened((1 << 255) - 1)


def test_record__every_field__changes_the_digest() -> None:
    base = Record(ExitClass.OK, 0, 5, VALUE, 10, bytes(32))
    others = [
        Record(ExitClass.TRAP, 0, 5, VALUE, 10, bytes(32)),
        Record(ExitClass.OK, 1, 5, VALUE, 10, bytes(32)),
        Record(ExitClass.OK, 0, 6, VALUE, 10, bytes(32)),
        Record(ExitClass.OK, 0, 5, SALT, 10, bytes(32)),
        Record(ExitClass.OK, 0, 5, VALUE, 11, bytes(32)),
        Record(ExitClass.OK, 0, 5, VALUE, 10, SALT),
    ]
    assert len({record.digest() for record in [base, *others]}) == 7
