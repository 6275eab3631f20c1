"""The tables, as steps from one version to the next.

A step that was released is never changed: what is new is a new step. The version is SQLite's own
`user_version`.
"""

import sqlite3
from pathlib import Path

from service.store.base import StoreTooNew

STEPS = (
    """
    CREATE TABLE images (
        id TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        folded TEXT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        megapixels REAL NOT NULL,
        format TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        channels INTEGER NOT NULL,
        bit_depth INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        perceptual_hash TEXT
    ) WITHOUT ROWID;
    CREATE INDEX images_by_path ON images (path, id, width, height, format);
    CREATE INDEX images_by_width ON images (width, id, height, format);
    CREATE INDEX images_by_height ON images (height, id, width, format);
    CREATE INDEX images_by_megapixels ON images (megapixels, id, width, height, format);
    CREATE INDEX images_by_bytes ON images (bytes, id, width, height, format);
    CREATE INDEX images_by_modified ON images (modified, id, width, height, format);

    CREATE TABLE collections (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        pipeline TEXT NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE TABLE collection_images (
        collection INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        image_base64 TEXT NOT NULL
    );
    CREATE UNIQUE INDEX collection_images_by_name ON collection_images (collection, name);

    CREATE TABLE recipes (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (name, version)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        total INTEGER NOT NULL,
        request TEXT NOT NULL,
        key TEXT UNIQUE,
        digest TEXT NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        owner TEXT,
        lease_until INTEGER NOT NULL,
        cancelling INTEGER NOT NULL,
        succeeded INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        skipped INTEGER NOT NULL,
        bytes_out INTEGER NOT NULL,
        next_seq INTEGER NOT NULL,
        error TEXT
    ) WITHOUT ROWID;
    CREATE INDEX jobs_by_creation ON jobs (created_at, id);
    CREATE INDEX jobs_by_state ON jobs (state, created_at, id);
    CREATE TABLE job_images (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        chunk INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (job, chunk)
    );
    CREATE TABLE job_results (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        number INTEGER NOT NULL,
        status TEXT NOT NULL,
        bytes_out INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (job, seq)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX job_results_by_image ON job_results (job, number);
    """,
    """
    CREATE TABLE outputs (
        path TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        files TEXT NOT NULL,
        used_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX outputs_by_use ON outputs (used_at);
    """,
    """
    ALTER TABLE jobs ADD COLUMN bytes_in INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN resumed_at INTEGER;
    ALTER TABLE jobs ADD COLUMN done_before INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN webhook INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN call_at INTEGER;
    ALTER TABLE job_results ADD COLUMN bytes_in INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_by_call ON jobs (call_at) WHERE call_at IS NOT NULL;
    """,
)


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database to the present version, each step in a transaction.

    Raises StoreTooNew. Of several processes at once one makes a step, and the others find it made.
    """
    while (version := _version(connection, path)) < len(STEPS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection, path) == version:
                for statement in STEPS[version].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise StoreTooNew(
            f"the database {path.name} has version {version}, this service knows {len(STEPS)}: "
            "run the later version of the service that wrote it, or name another database in "
            "DARKROOM_STORE"
        )
    return int(version)
