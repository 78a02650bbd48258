"""What the planet's pages and feeds need of the tables: added to the database by store/schema.py, and never edited."""

# How often a post's row was rewritten: pages that show it are written again then (store/planet.py).
REVISIONS = (
    "ALTER TABLE posts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
    """CREATE TRIGGER post_revised AFTER UPDATE OF url, title, author, published, updated, dated, tags, summary,
        content_html, text, language, enclosures, origin_title, origin_url, changed_at ON posts
    BEGIN UPDATE posts SET revision = revision + 1 WHERE id = new.id; END""",
)

# What the file last said of a source: whether it is published, and how much of it is shown. What issues have of one
# that is in no file any more goes by that. NULL where it was taken out before this was noted.
SHOWING = (
    "ALTER TABLE feeds ADD COLUMN publish INTEGER",
    "ALTER TABLE feeds ADD COLUMN content TEXT",
)

# What feeds say of themselves (model.About), and under which terms a post may be used. `arrived` is where a post stands
# in the combined feed: when it was first seen, or, of the backlog that a new source brings, when it was written.
FEEDS_OF_OURS = (
    "ALTER TABLE posts ADD COLUMN rights TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE posts ADD COLUMN arrived TEXT NOT NULL DEFAULT ''",
    """UPDATE posts SET arrived = iif(
        id > (SELECT coalesce(first_batch_id, 0) FROM feeds WHERE feeds.id = feed_id), first_seen, effective)""",
    """CREATE INDEX posts_by_arrival ON posts (feed_id, arrived DESC, effective DESC, id DESC, story)
    WHERE excluded = '' AND held_at IS NULL""",
    """CREATE TABLE feed_abouts (
        feed_id INTEGER PRIMARY KEY REFERENCES feeds(id),
        atom_id TEXT NOT NULL,
        author TEXT NOT NULL,
        rights TEXT NOT NULL,
        icon TEXT NOT NULL,
        logo TEXT NOT NULL,
        tags TEXT NOT NULL,
        noindex INTEGER NOT NULL
    )""",
)
