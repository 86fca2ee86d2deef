-- Blobs that others left here, by who signed for them; counted until their time is over.
CREATE TABLE uploads (
    signer TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    PRIMARY KEY (signer, digest)
) WITHOUT ROWID;
CREATE INDEX uploads_time ON uploads (kept_until);
