"""Tables of who asked to be subscribed over the web: added to the database by store/schema.py, and never edited."""

# `signups` are confirmations that are out; nobody in them is a subscriber. Each has the name that stands in its link;
# `signups_done` are the names of those that were used. `sent_to_strangers` counts by keyed hashes of addresses how many
# confirmations were mailed to one since its reader last confirmed, and when that was.
# `notes` are small mails that are to be sent, for one reader each; a row is gone once that is done.
# `deliveries.since` is when one was made that came later than its issue.
SIGNUPS = (
    """CREATE TABLE signups (
        name TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        address TEXT NOT NULL,
        editions TEXT NOT NULL,
        language TEXT NOT NULL DEFAULT '',
        asked_at TEXT NOT NULL,
        network TEXT NOT NULL DEFAULT '',
        form TEXT NOT NULL DEFAULT '',
        wording TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID""",
    "CREATE INDEX signups_by_address ON signups (fingerprint)",
    "CREATE INDEX signups_by_age ON signups (asked_at)",
    "CREATE TABLE signups_done (name TEXT PRIMARY KEY, done_at TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE sent_to_strangers (
        fingerprint BLOB PRIMARY KEY,
        count INTEGER NOT NULL,
        mailed_at TEXT,
        asked_at TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        address TEXT NOT NULL,
        language TEXT NOT NULL DEFAULT '',
        content TEXT NOT NULL DEFAULT '{}',
        made_at TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'inflight')),
        attempts INTEGER NOT NULL DEFAULT 0,
        doubts INTEGER NOT NULL DEFAULT 0,
        next_at TEXT NOT NULL
    )""",
    "CREATE INDEX notes_by_address ON notes (fingerprint)",
    "ALTER TABLE site ADD COLUMN flooded_at TEXT",
    "ALTER TABLE deliveries ADD COLUMN since TEXT",
)

# When more of a kind was last asked for than is mailed. What there was before said nothing of the kind.
FLOODS = (
    "CREATE TABLE floods (kind TEXT PRIMARY KEY, noted_at TEXT NOT NULL) WITHOUT ROWID",
    "ALTER TABLE site DROP COLUMN flooded_at",
)

# What is known of small mails that went out, so that what comes back of one is about it: under the number it had in
# `notes`, which is never given again. `about` names its sign-up or its move. Of who is erased a line stays without
# fingerprint: what comes back of it is nobody's.
RETURNS = (
    """CREATE TABLE notes_sent (
        id INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        about TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        subscriber_id INTEGER REFERENCES subscribers(id),
        sent_at TEXT NOT NULL
    )""",
    "CREATE INDEX notes_sent_by_address ON notes_sent (fingerprint)",
    "CREATE INDEX notes_sent_by_subscriber ON notes_sent (subscriber_id) WHERE subscriber_id IS NOT NULL",
)
