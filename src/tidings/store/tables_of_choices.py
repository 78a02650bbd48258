"""Tables of what readers choose: added to the database by store/schema.py, and never edited."""

# `name` is that of the reader's own edition, whose memory is under it in the tables of all editions. `next_at` is when
# its next slot is due; `follows` the schedule of the configured edition that it was worked out by, NULL for its own.
CHOICES = (
    """CREATE TABLE choices (
        subscriber_id INTEGER NOT NULL REFERENCES subscribers(id),
        edition TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        choices TEXT NOT NULL,
        next_at TEXT,
        follows TEXT,
        since TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        PRIMARY KEY (subscriber_id, edition)
    ) WITHOUT ROWID""",
    "CREATE INDEX choices_due ON choices (edition, next_at)",
)

# When a reader's own issue lost its stories (store/emptying.py).
EMPTYING = (
    "ALTER TABLE issues ADD COLUMN emptied_at TEXT",
    """CREATE INDEX issues_own_whole ON issues (frozen_at)
    WHERE instr(edition, '~') != 0 AND emptied_at IS NULL""",
)
