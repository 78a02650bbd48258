"""Tables behind readers' own links: added to the database by store/schema.py, and never edited."""

# `link_keys`: the newest signs, all but retired ones are accepted. An id is never used again: it stands in links.
# `throttle`: by a keyed hash of a network, an address or a budget; rows of the past are pruned (readers/throttle.py).
LINKS = (
    """CREATE TABLE link_keys (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        secret BLOB NOT NULL,
        made_at TEXT NOT NULL,
        retired_at TEXT
    )""",
    """CREATE TABLE throttle (
        key BLOB PRIMARY KEY,
        count REAL NOT NULL,
        at TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX throttle_by_age ON throttle (at)",
)
