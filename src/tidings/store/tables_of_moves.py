"""Tables of readers who help themselves: added to the database by store/schema.py, and never edited."""

# `refusals.reason`: 'operator' erased the address, as all before were taken to be; 'erased' is one whose reader did;
# 'never-ask' wants no mail about subscribing; 'moved' is one whose reader has another by now.
# `moves` are changes of address that the new one has not confirmed, one for each subscriber.
# `mails_asked` is who asked for a link, or a move, within a day; by keyed hashes of addresses, of strangers too.
# What was deleted is in the file until that is written anew: `scrubs_wanted` counts what asks for it, `scrubs_done` how
# far that is done.
# The trigger: what was in hand when its reader moved, and comes back to be sent, goes to where the reader is now. What
# the old address does not get any more is no reason to send nothing.
MOVES = (
    """ALTER TABLE refusals ADD COLUMN reason TEXT NOT NULL DEFAULT 'operator'
    CHECK (reason IN ('operator', 'erased', 'never-ask', 'moved'))""",
    """CREATE TABLE moves (
        name TEXT PRIMARY KEY,
        subscriber_id INTEGER NOT NULL UNIQUE REFERENCES subscribers(id),
        address TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        asked_at TEXT NOT NULL,
        network TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID""",
    "CREATE INDEX moves_by_address ON moves (fingerprint)",
    """CREATE TABLE mails_asked (
        id INTEGER PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        what TEXT NOT NULL CHECK (what IN ('link', 'move')),
        at TEXT NOT NULL,
        is_mailed INTEGER NOT NULL
    )""",
    "CREATE INDEX mails_asked_by_address ON mails_asked (fingerprint, what)",
    "CREATE INDEX mails_asked_by_age ON mails_asked (at)",
    "ALTER TABLE site ADD COLUMN scrubs_wanted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE site ADD COLUMN scrubs_done INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE site ADD COLUMN scrub_tried_at TEXT",
    """CREATE TRIGGER delivery_of_moved AFTER UPDATE OF state ON deliveries
    WHEN new.subscriber_id IS NOT NULL
        AND (new.state IN ('pending', 'deferred', 'uncertain') OR (new.state = 'suppressed' AND old.state = 'leased'))
        AND new.address != (SELECT address FROM subscribers WHERE id = new.subscriber_id)
    BEGIN
        UPDATE OR IGNORE deliveries SET address = (SELECT address FROM subscribers WHERE id = new.subscriber_id),
            state = iif(new.state = 'suppressed', 'pending', new.state),
            reply = iif(new.state = 'suppressed', '', new.reply)
        WHERE id = new.id;
    END""",
)
