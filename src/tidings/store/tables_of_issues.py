"""Tables of issues and of their mail: added to the database by store/schema.py, and never edited."""

# Edited posts that issues told of, each once in an edition. `issue_items.changed_at` is the last edit behind what an
# issue showed: with it, what was edited since does not hang on clocks. Older issues count as having seen every edit.
UPDATES = (
    "ALTER TABLE issue_items ADD COLUMN changed_at TEXT",
    "UPDATE issue_items SET changed_at = (SELECT p.changed_at FROM posts p WHERE p.id = post_id)",
    """CREATE TABLE issue_updates (
        edition TEXT NOT NULL,
        post_id INTEGER NOT NULL,
        issue_id INTEGER NOT NULL REFERENCES issues(id),
        position INTEGER NOT NULL,
        PRIMARY KEY (edition, post_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX posts_changed ON posts (changed_at) WHERE changed_at IS NOT NULL",
)

# What an edition need not look at again (store/issues.py): of a source's news none up to `settled_id` can be taken any
# more, and of its backlog none with a backfill up to `settled_backfill`. What could change that is noticed here,
# whoever writes it.
SETTLED = (
    "ALTER TABLE edition_sources ADD COLUMN settled_id INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE edition_sources ADD COLUMN settled_backfill INTEGER NOT NULL DEFAULT -1",
    "CREATE INDEX edition_sources_by_feed ON edition_sources (feed_id)",
    """CREATE TRIGGER story_unsettled AFTER UPDATE OF story, excluded, held_at, dated ON posts
    WHEN old.story != new.story OR old.excluded != new.excluded OR old.held_at IS NOT new.held_at
        OR old.dated IS NOT new.dated
    BEGIN
        UPDATE edition_sources SET settled_backfill = -1,
            settled_id = min(settled_id, (SELECT min(id) - 1 FROM posts WHERE story IN (old.story, new.story)))
        WHERE feed_id IN (SELECT feed_id FROM posts WHERE story IN (old.story, new.story));
    END""",
    """CREATE TRIGGER edition_unsettled AFTER DELETE ON issue_items BEGIN
        UPDATE edition_sources SET settled_backfill = -1, settled_id = 0 WHERE edition = old.edition;
    END""",
)

# `send_after`, `held_at`: an issue is not sent before the one, nor while it is held; `dropped_at`: it never is.
# `editions.schedule` is the text of an edition's schedule, `scheduled_at` since when. `passed_posts` are those that an
# edition's rules left out of an issue: they are no news later.
SCHEDULING = (
    "ALTER TABLE deliveries ADD COLUMN language TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE issues ADD COLUMN send_after TEXT",
    "ALTER TABLE issues ADD COLUMN held_at TEXT",
    "ALTER TABLE issues ADD COLUMN dropped_at TEXT",
    "ALTER TABLE editions ADD COLUMN schedule TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE editions ADD COLUMN scheduled_at TEXT",
    """CREATE TABLE passed_posts (
        edition TEXT NOT NULL,
        post_id INTEGER NOT NULL REFERENCES posts(id),
        rule TEXT NOT NULL,
        passed_at TEXT NOT NULL,
        PRIMARY KEY (edition, post_id)
    ) WITHOUT ROWID""",
)

# States that SQLite's CHECK did not know, so the table is made anew; ids stay, since return addresses name them.
# `doubts` counts how often the outcome of a delivery was not known: from the first on its message may have come. What
# was in flight when this is done is in doubt. `issues.readers` is how many deliveries an issue was frozen with.
LEDGER = (
    """CREATE TABLE new_deliveries (
        id INTEGER PRIMARY KEY,
        issue_id INTEGER NOT NULL REFERENCES issues(id),
        address TEXT NOT NULL,
        message_id TEXT NOT NULL UNIQUE,
        language TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'leased', 'inflight', 'accepted', 'deferred',
            'rejected', 'uncertain', 'suppressed', 'expired')),
        attempts INTEGER NOT NULL DEFAULT 0,
        doubts INTEGER NOT NULL DEFAULT 0,
        next_at TEXT,
        reply TEXT NOT NULL DEFAULT '',
        updated_at TEXT NOT NULL,
        UNIQUE (issue_id, address)
    )""",
    """INSERT INTO new_deliveries (id, issue_id, address, message_id, language, state, attempts, doubts, next_at, reply,
        updated_at)
    SELECT id, issue_id, address, message_id, language, iif(state = 'inflight', 'uncertain', state), attempts,
        state = 'inflight', next_at, reply, updated_at FROM deliveries""",
    "DROP TABLE deliveries",
    "ALTER TABLE new_deliveries RENAME TO deliveries",
    """CREATE INDEX deliveries_open ON deliveries (issue_id)
    WHERE state IN ('pending', 'leased', 'inflight', 'deferred', 'uncertain')""",
    "ALTER TABLE issues ADD COLUMN readers INTEGER NOT NULL DEFAULT 0",
    "UPDATE issues SET readers = (SELECT count(*) FROM deliveries d WHERE d.issue_id = issues.id)",
)

# `address_key` is what stands for an address (addresses.pseudonym): no address is in these tables, but for the messages
# that are kept. `edition` is '' for all. `score` is a model.Score as JSON.
SUPPRESSING = (
    """CREATE TABLE suppressions (
        address_key BLOB NOT NULL,
        edition TEXT NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'by-hand')),
        since TEXT NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY (address_key, edition)
    ) WITHOUT ROWID""",
    "CREATE TABLE address_scores (address_key BLOB PRIMARY KEY, score TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE returned_mail (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        kind TEXT NOT NULL,
        delivery_id INTEGER,
        known_by TEXT NOT NULL,
        meaning TEXT NOT NULL,
        status TEXT NOT NULL,
        diagnostic TEXT NOT NULL,
        effect TEXT NOT NULL,
        size INTEGER NOT NULL,
        message BLOB
    )""",
    "CREATE INDEX returned_mail_by_fingerprint ON returned_mail (fingerprint, received_at)",
    "CREATE INDEX returned_mail_by_delivery ON returned_mail (delivery_id) WHERE delivery_id IS NOT NULL",
    "CREATE INDEX returned_mail_kept ON returned_mail (id) WHERE message IS NOT NULL",
)

# From where mail was last sent, and how often (store/sender.py); no row before the first time.
SENDER = """
CREATE TABLE sender (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    instance TEXT NOT NULL,
    sends INTEGER NOT NULL,
    machine TEXT NOT NULL,
    file TEXT NOT NULL,
    generation TEXT NOT NULL,
    host TEXT NOT NULL,
    sent_at TEXT NOT NULL
)
"""
