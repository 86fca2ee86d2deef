"""The blob store: what goes in comes out, the quota holds, a full disk is said plainly."""

import errno
import hashlib
import os
import resource
import threading
from io import BytesIO
from pathlib import Path

import pytest

from worker.errors import InvalidBlobError, NotFoundError, StoreFullError
from worker.storage.blobs import BlobStore
from worker.types import Digest, Timestamp

NOW = 1_000


def digest_of(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest())


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", quota=1_000, free_floor=0, clock=lambda: NOW)


def leftovers(store: BlobStore) -> list[str]:
    return [path.name for path in store.folder.glob(".*")]


def test_put__bytes__are_read_back_under_their_sha256(store):
    digest = store.put(b"hello", Timestamp(NOW + 5))

    assert digest == digest_of(b"hello")
    assert store.has(digest)
    assert store.read(digest) == b"hello"
    assert store.verify(digest) == store.path(digest)
    assert [(b.digest, b.size, b.keep_until) for b in store.blobs()] == [(digest, 5, NOW + 5)]
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert store.path(digest).stat().st_mode & 0o777 == 0o600


def test_put__same_bytes_twice__counts_once_and_keeps_the_later_time(store):
    digest = store.put(b"x" * 400, Timestamp(NOW + 50))
    store.put(b"x" * 400, Timestamp(NOW + 5))

    assert store.used == 400
    assert store.info(digest).keep_until == NOW + 50


def test_put_file__larger_than_the_cap__is_refused_and_leaves_nothing(store, tmp_path):
    (tmp_path / "in").write_bytes(b"x" * 11)

    with pytest.raises(InvalidBlobError, match="larger than 10"):
        store.put_file(tmp_path / "in", max_bytes=10)

    assert store.used == 0
    assert leftovers(store) == []


def test_put_stream__wrong_digest__is_refused_and_leaves_nothing(store):
    with pytest.raises(InvalidBlobError, match="sha256"):
        store.put_stream(BytesIO(b"evil"), 10, expected=digest_of(b"good"))

    assert store.used == 0
    assert list(store.blobs()) == []
    assert leftovers(store) == []


def test_writer__left_by_an_exception__frees_its_bytes(store):
    with pytest.raises(RuntimeError), store.writer(500) as writer:
        writer.write(b"x" * 500)
        assert store.used == 500
        raise RuntimeError

    assert store.used == 0
    assert leftovers(store) == []


def test_path__unknown__raises_not_found(store):
    for ask in (store.path, store.read, store.info, store.verify):
        with pytest.raises(NotFoundError):
            ask(digest_of(b"nothing"))


@pytest.mark.parametrize("ask", ["read", "verify"])
def test_read__damaged_on_disk__raises_and_removes(store, ask):
    digest = store.put(b"hello")
    store.path(digest).write_bytes(b"hellO")

    with pytest.raises(InvalidBlobError, match="damaged"):
        getattr(store, ask)(digest)

    assert not store.has(digest)
    assert store.used == 0


def test_put__over_quota__evicts_expired_oldest_first(store):
    kept = store.put(b"k" * 300, Timestamp(NOW + 1))
    newer = store.put(b"n" * 300, Timestamp(NOW - 1))
    older = store.put(b"o" * 300, Timestamp(NOW - 2))

    store.put(b"x" * 400, Timestamp(NOW))

    assert [store.has(d) for d in (kept, newer, older)] == [True, True, False]
    assert store.used == 1_000


def test_put__over_quota_of_kept_blobs__raises_and_loses_nothing(store):
    kept = store.put(b"k" * 900, Timestamp(NOW + 1))

    with pytest.raises(StoreFullError, match="quota of 1000"):
        store.put(b"x" * 101)

    assert store.read(kept) == b"k" * 900
    assert store.used == 900


def test_keep__shorter_than_before__changes_nothing(store):
    digest = store.put(b"k" * 900, Timestamp(NOW - 5))
    store.keep(digest, Timestamp(NOW + 9))
    store.keep(digest, Timestamp(NOW + 1))

    assert store.info(digest).keep_until == NOW + 9
    with pytest.raises(StoreFullError):
        store.put(b"x" * 101)
    with pytest.raises(NotFoundError):
        store.keep(digest_of(b"nothing"), Timestamp(1))


def test_open__existing_folder__remembers_times_and_sizes(store):
    digest = store.put(b"k" * 900, Timestamp(NOW + 7))
    again = BlobStore(store.folder, quota=1_000, free_floor=0, clock=lambda: NOW)

    assert again.used == 900
    assert again.info(digest).keep_until == NOW + 7
    again.delete(digest)
    assert again.used == 0


def test_open__unfinished_file_of_a_crash__is_removed_when_old(store):
    old, young = store.folder / ".incoming-old", store.folder / ".incoming-young"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1, 1))

    BlobStore(store.folder, quota=1_000, free_floor=0)

    assert leftovers(store) == [".incoming-young"]


def test_put__disk_below_its_floor__raises(tmp_path):
    store = BlobStore(tmp_path, quota=1_000, free_floor=1 << 60)

    with pytest.raises(StoreFullError, match="left free"):
        store.put(b"x")


def test_put__file_system_refuses__raises_and_leaves_nothing(tmp_path):
    store = BlobStore(tmp_path, quota=1 << 20, free_floor=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(StoreFullError, match="disk refused"):
            store.put(b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert store.used == 0
    assert list(tmp_path.iterdir()) == []


def test_commit__fsync_says_no_space__raises_and_leaves_nothing(store, monkeypatch):
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreFullError, match="No space left"):
        store.put(b"hello")

    assert list(store.blobs()) == []
    assert store.used == 0


def test_put__from_many_threads__keeps_count(store):
    def work(n: int) -> None:
        for i in range(20):
            store.put(b"%d" % (i % 7 + n % 2))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.used == sum(info.size for info in store.blobs()) == 8
