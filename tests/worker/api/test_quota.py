"""Who may leave how much: each limit to the byte and the second, and known after a restart."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.worker.api.upload_actors import NOW, upload_of
from worker.api.config import ApiConfig
from worker.api.middleware import Refusal
from worker.api.quota import UploadQuota, allowance
from worker.protocol.uploads import Upload
from worker.storage.database import Database
from worker.storage.uploads import UploadStore
from worker.types import Address, Timestamp

TOKEN = 10**18
BOB = Address("0x" + "66" * 20)
UNTIL = Timestamp(NOW + 60)
ENOUGH = 1 << 30


def status_of(quota: UploadQuota, upload: Upload, allowed: int = ENOUGH, now: float = NOW) -> int:
    """Leave the upload; return 201, or the status of the refusal."""
    try:
        with quota.hold(upload, UNTIL, allowed, now):
            return 201
    except Refusal as refusal:
        return refusal.status


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UploadStore]:
    database = Database(tmp_path / "worker.sqlite")
    yield UploadStore(database)
    database.close()


@pytest.mark.parametrize(
    ("balance", "bytes_"),
    [
        (0, 0),
        (TOKEN - 1, 0),
        (TOKEN, 100),
        (TOKEN + 1, 100),
        (2 * TOKEN - 1, 100),
        (2 * TOKEN, 200),
        (5 * TOKEN - 1, 400),
        (5 * TOKEN, 500),
        (6 * TOKEN, 500),
        (10**30, 500),
    ],
)
def test_allowance__by_balance__so_much_a_whole_token_up_to_the_cap(balance, bytes_):
    config = ApiConfig(upload_bytes_per_token=100, upload_signer_bytes=500)
    assert allowance(config, balance) == bytes_


@pytest.mark.parametrize(("allowed", "status"), [(10_999, 403), (11_000, 201), (11_001, 201)])
def test_hold__allowance_of_one_signer__to_the_byte(store, allowed, status):
    quota = UploadQuota(store, ENOUGH)
    assert status_of(quota, upload_of(b"a" * 5_000)) == 201
    assert status_of(quota, upload_of(b"b" * 6_000), allowed) == status
    assert status_of(quota, upload_of(b"b" * 6_000, signer=BOB), 6_000) == 201


@pytest.mark.parametrize(("total", "status"), [(10_999, 507), (11_000, 201), (11_001, 201)])
def test_hold__total_of_all_signers__to_the_byte(store, total, status):
    quota = UploadQuota(store, total)
    assert status_of(quota, upload_of(b"a" * 5_000)) == 201
    assert status_of(quota, upload_of(b"b" * 6_000, signer=BOB)) == status


@pytest.mark.parametrize(("now", "status"), [(NOW + 59, 507), (NOW + 60, 201), (NOW + 61, 201)])
def test_hold__time_over__no_longer_counts(store, now, status):
    quota = UploadQuota(store, 8_000)
    assert status_of(quota, upload_of(b"a" * 5_000)) == 201
    assert status_of(quota, upload_of(b"b" * 5_000, signer=BOB), now=now) == status


@pytest.mark.parametrize(("size", "status"), [(4_095, 507), (4_096, 507), (1, 507)])
def test_hold__tiny_blobs__count_a_disk_block(store, size, status):
    quota = UploadQuota(store, 2 * 4_096 - 1)
    assert status_of(quota, upload_of(b"a")) == 201
    assert status_of(quota, upload_of(b"b" * size)) == status


def test_hold__after_a_restart__still_counts(tmp_path):
    upload = upload_of(b"a" * 5_000)
    first = Database(tmp_path / "worker.sqlite")
    assert status_of(UploadQuota(UploadStore(first), 9_000), upload) == 201
    first.close()

    second = Database(tmp_path / "worker.sqlite")
    quota = UploadQuota(UploadStore(second), 9_000)
    assert status_of(quota, upload_of(b"b" * 5_000)) == 507
    assert status_of(quota, upload, allowed=0) == 201  # what is here may be kept for longer
    second.close()


def test_hold__same_blob_by_two_signers__counts_for_each(store):
    quota = UploadQuota(store, 9_999)
    assert status_of(quota, upload_of(b"a" * 5_000)) == 201
    assert status_of(quota, upload_of(b"a" * 5_000, signer=BOB)) == 507


def test_hold__fails__is_not_counted(store):
    quota = UploadQuota(store, 5_000)
    upload = upload_of(b"a" * 5_000)
    with pytest.raises(ConnectionError), quota.hold(upload, UNTIL, ENOUGH, NOW):
        raise ConnectionError
    assert store.bytes_total() == 0
    assert status_of(quota, upload) == 201


def test_hold__being_received__counts_and_comes_once(store):
    quota = UploadQuota(store, 9_999)
    upload = upload_of(b"a" * 5_000)
    with ExitStack() as running:
        running.enter_context(quota.hold(upload, UNTIL, ENOUGH, NOW))
        assert status_of(quota, upload) == 409
        assert status_of(quota, upload_of(b"b" * 5_000), 9_999) == 403
        assert status_of(quota, upload_of(b"b" * 5_000, signer=BOB)) == 507
    assert store.bytes_total() == 5_000
