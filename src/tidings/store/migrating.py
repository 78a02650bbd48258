"""Brings a database in line with the tables of this version: each migration runs with its record in one transaction.

sqlite_utils, which runs them, takes longer to load than a poll of sources that did not change. So what was done to a
database is read without it, and it is loaded where there is something to do.
"""

from __future__ import annotations

import sqlite3

from tidings.store.schema import STEPS

_SET = "tidings"


def applied(connection: sqlite3.Connection) -> list[str]:
    """The names of the migrations that were done to a database, in their order."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return []
    sql = "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid"
    return [name for (name,) in connection.execute(sql, (_SET,))]


def newer(done: list[str]) -> list[str]:
    """Those of the migrations `done` that this version knows nothing of: a newer one has been at the database."""
    return [name for name in done if name not in STEPS]


def pending(done: list[str]) -> bool:
    """Whether any migration is still to be done."""
    return not STEPS.keys() <= set(done)


def migrate(connection: sqlite3.Connection) -> None:
    """Does what is pending."""
    from sqlite_utils import Database, Migrations

    migrations = Migrations(_SET)
    for step in STEPS.values():
        migrations()(step)
    migrations.apply(Database(connection))
