"""Tables of who is mailed: added to the database by store/schema.py, and never edited."""

# `address_key` is what all spellings of `address` have in common (addresses.py). `public_id` stands in links: the row's
# own id never leaves. A subscription's own `language` is what the file says of it; '' is that of its subscriber.
# `consents` only grows while its subscriber is known; there `wording` is the text that was agreed to, and `network` the
# truncated address of who did. `refusals` are keyed hashes of addresses that are gone, and not to be mailed again.
# Of who is erased deliveries stay, without an address; what a server says of one later may hold the address, whoever
# writes it down. `site.readers_in_file` stands for the readers that the file named last.
SUBSCRIBERS = (
    """CREATE TABLE subscribers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        public_id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8)))),
        address TEXT NOT NULL,
        address_key TEXT NOT NULL UNIQUE,
        language TEXT NOT NULL DEFAULT '',
        timezone TEXT NOT NULL DEFAULT '',
        format TEXT NOT NULL DEFAULT '' CHECK (format IN ('', 'text')),
        paused_until TEXT,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE subscriptions (
        subscriber_id INTEGER NOT NULL REFERENCES subscribers(id),
        edition TEXT NOT NULL,
        origin TEXT NOT NULL CHECK (origin IN ('file', 'web', 'cli', 'import')),
        language TEXT NOT NULL DEFAULT '',
        since TEXT NOT NULL,
        ended_at TEXT,
        ended_by TEXT NOT NULL DEFAULT '' CHECK (ended_by IN ('', 'link', 'mail', 'page', 'complaint', 'bounce',
            'operator', 'file')),
        PRIMARY KEY (subscriber_id, edition),
        CHECK ((ended_at IS NULL) = (ended_by = ''))
    ) WITHOUT ROWID""",
    "CREATE INDEX subscriptions_active ON subscriptions (edition, subscriber_id) WHERE ended_by = ''",
    """CREATE TABLE consents (
        id INTEGER PRIMARY KEY,
        subscriber_id INTEGER NOT NULL REFERENCES subscribers(id),
        edition TEXT NOT NULL,
        what TEXT NOT NULL,
        at TEXT NOT NULL,
        network TEXT NOT NULL DEFAULT '',
        form TEXT NOT NULL DEFAULT '',
        wording TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '{}'
    )""",
    "CREATE INDEX consents_by_subscriber ON consents (subscriber_id, id)",
    "CREATE TABLE refusals (fingerprint BLOB PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID",
    "ALTER TABLE deliveries ADD COLUMN subscriber_id INTEGER REFERENCES subscribers(id)",
    "CREATE INDEX deliveries_by_subscriber ON deliveries (subscriber_id, id) WHERE subscriber_id IS NOT NULL",
    """CREATE TRIGGER delivery_of_erased AFTER UPDATE OF reply ON deliveries
    WHEN new.reply != '' AND new.address = 'erased-' || new.id
    BEGIN
        UPDATE deliveries SET reply = '' WHERE id = new.id;
    END""",
    "ALTER TABLE site ADD COLUMN readers_in_file BLOB NOT NULL DEFAULT x''",
)

# `site.forgotten_at` is when networks, sign-ups and brakes that had their time were last erased (forgetting.py).
FORGETTING = (
    "ALTER TABLE site ADD COLUMN forgotten_at TEXT",
    "CREATE INDEX consents_with_network ON consents (subscriber_id) WHERE network != ''",
)
