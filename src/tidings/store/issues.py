"""Editions and issues: what an edition may carry, freezing, slots, and reading frozen issues back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from tidings.model import (
    EditedPost,
    IssueContent,
    StoredPost,
    is_personal,
)
from tidings.records import dataclass
from tidings.store.contents import content_to_text, text_to_content
from tidings.store.database import Store, text_to_time, time_to_text
from tidings.store.posts import stored_post
from tidings.store.site import want_publishing

# Ingest order (ids) decides what is news, never a date: dates come from other people's clocks.
# An excluded post that the edition has carried keeps its place in the backlog, or an older one would move up into it.
# A copy of what another source had in its backlog is none either: a planet, or our own combined feed, would bring old
# posts again. A link to such a post is news: somebody has something to say of it. So is the original of a copy in a
# planet's backlog, and so is what may not be shown there, or was written since the source of the copy was taken in
# (`since`): the blog may just have been asked after the planet. Here a date lets in, and never keeps out by itself.
# What rules kept out while an issue was made, or a slot passed, is no news later, when the rules let it in; nor is what
# the edition's own left out then. In the backlog it keeps its place.
_HORIZONS = """
horizons AS (
    SELECT *, (SELECT first_seen FROM posts WHERE id <= after_id ORDER BY id DESC LIMIT 1) AS since
    FROM (SELECT es.feed_id, max(es.after_id, coalesce(f.first_batch_id, 0)) AS after_id, es.settled_id,
        es.settled_backfill
        FROM edition_sources es JOIN feeds f ON f.id = es.feed_id WHERE es.edition = :edition)
)
"""
# The first post in another source's backlog that a post is a copy of; NULL for what is news. `h` is its own horizon.
_COPIED_FROM = """
(SELECT min(q.id) FROM story_joins j CROSS JOIN posts q ON q.story = p.story JOIN horizons g ON g.feed_id = q.feed_id
WHERE j.post_id = p.id AND j.tier IN ('id', 'page', 'copy', 'headline') AND p.id > h.after_id
    AND q.id < p.id AND q.id <= g.after_id AND q.excluded = '' AND q.held_at IS NULL
    AND q.originality >= p.originality AND q.effective <= h.since)
"""
# `open` are the posts to look at: what issues settled is left out, or each would look at all that ever came.
_CANDIDATES = f"""
WITH {_HORIZONS},
excluded AS (SELECT id FROM posts WHERE excluded != '' UNION ALL SELECT id FROM posts WHERE held_at IS NOT NULL),
made AS (
    SELECT frozen_at AS at FROM issues WHERE edition = :edition
    UNION ALL SELECT handled_at FROM slots WHERE edition = :edition
),
backlog AS (
    SELECT p.id, row_number() OVER (PARTITION BY p.feed_id ORDER BY p.effective DESC, p.id DESC) AS n
    FROM horizons h CROSS JOIN posts p INDEXED BY posts_by_feed ON p.feed_id = h.feed_id AND p.id <= h.after_id
    WHERE h.settled_backfill < :backfill AND (p.id NOT IN (SELECT id FROM excluded)
        OR EXISTS (SELECT 1 FROM issue_items i WHERE i.edition = :edition AND i.story = p.story))
),
open AS (
    SELECT p.id FROM horizons h CROSS JOIN posts p INDEXED BY posts_by_feed
        ON p.feed_id = h.feed_id AND p.id > max(h.after_id, h.settled_id)
    WHERE NOT EXISTS (SELECT 1 FROM issue_items i WHERE i.edition = :edition AND i.story = p.story)
    UNION ALL SELECT id FROM backlog WHERE n <= :backfill
)
SELECT p.*, f.name AS source, f.title AS source_title, f.site_url AS source_url, f.url AS feed_url,
    p.id > h.after_id AS is_news
FROM open o CROSS JOIN posts p ON p.id = o.id JOIN feeds f ON f.id = p.feed_id JOIN horizons h ON h.feed_id = p.feed_id
WHERE p.excluded = '' AND p.held_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM issue_items i WHERE i.edition = :edition AND i.story = p.story)
    AND {_COPIED_FROM} IS NULL
    AND NOT EXISTS (SELECT 1 FROM exclusions x JOIN made ON made.at >= x.since AND made.at < x.until
        WHERE x.post_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM passed_posts l WHERE l.edition = :edition AND l.post_id = p.id)
ORDER BY p.id
"""


MAY_GO = "dropped_at IS NULL AND held_at IS NULL AND (send_after IS NULL OR released_at IS NOT NULL)"
"""What holds of an issue, in SQL, that nothing keeps from being sent."""

OUT = """EXISTS (SELECT 1 FROM deliveries d WHERE d.issue_id = i.id
    AND (d.state IN ('accepted', 'inflight') OR d.doubts > 0))"""
"""What holds of an issue `i` a message of which is in a mailbox, or may be."""

IS_SHARED = "instr(i.edition, '~') = 0"
"""What holds of an issue `i` that is not one reader's own (model/choices.py)."""

IS_MADE_OF = "substr(i.edition, 1, length(:own)) = :own"
"""What holds of an issue `i` that is one reader's own, where `:own` is what the names of all begin with that are made
of an edition."""

ON_THE_WEB = f"(i.dropped_at IS NULL AND ({MAY_GO} OR {OUT}))"
"""What holds of an issue `i` that readers may see: what mails link to stays on the web while the rest is held."""

# Only the post that the issue showed counts, once that issue may be seen: what nobody got can't have been edited for
# anybody. The ledger is by post, and its story is looked up, so that a story is told
# of once even if stories were joined or parted by hand since. The first version is what an issue had if it was replaced
# later. CROSS JOIN begins with the few posts edited of late, not with all that was ever carried or told of
# (sqlite.org/optoverview.html, 8.2).
_EDITED = f"""
SELECT p.*, f.name AS source, f.title AS source_title, f.site_url AS source_url, f.url AS feed_url,
    json_extract(s.content, '$.items[' || i.position || '].title') AS shown_title,
    json_extract(s.content, '$.items[' || i.position || '].text') AS shown_text,
    json_extract(s.content, '$.items[' || i.position || '].whole') AS shown_whole,
    (SELECT v.text FROM first_versions v WHERE v.post_id = p.id AND v.replaced_at >= s.frozen_at) AS first_text
FROM posts p CROSS JOIN issue_items i ON i.edition = :edition AND i.story = p.story AND i.post_id = p.id
CROSS JOIN issues s ON s.id = i.issue_id CROSS JOIN feeds f ON f.id = p.feed_id
WHERE p.changed_at >= :since AND p.changed_at IS NOT i.changed_at AND p.excluded = '' AND p.held_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM posts q CROSS JOIN issue_updates u ON u.post_id = q.id
        WHERE u.edition = :edition AND q.story = p.story)
    AND i.position < json_array_length(s.content, '$.items')
    AND EXISTS (SELECT 1 FROM issues i WHERE i.id = s.id AND {ON_THE_WEB})
"""

IS_OPEN = "state IN ('pending', 'leased', 'inflight', 'deferred', 'uncertain')"
"""What holds of a delivery, in SQL, that is not settled; word for word as an index of `deliveries` has it."""

# CROSS JOIN begins with the few deliveries that are open, not with all issues that ever were.
OPEN_ISSUES = f"""(SELECT DISTINCT issue_id FROM deliveries WHERE {IS_OPEN}) d
CROSS JOIN issues i ON i.id = d.issue_id"""
"""Issues `i` with a delivery that is not settled."""

DROPPED_FROM = "dropped from "
"""What `passed_posts` says of a story that was taken out of an issue, before the issue's name."""

Kept = Literal["", "reviewing", "held", "dropped"]
"""What keeps an issue from being sent: the time for its review, or the operator, for now or for good; "" nothing."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery to be made: to whom, under which Message-ID, and in what language ("" for the edition's)."""

    address: str
    message_id: str
    language: str = ""
    subscriber_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """A frozen issue with its id and, while its mail server is not to be had, when to try again. `kept` says whether
    something keeps it from being sent, `send_after` when its review ends or ended, and `released_at` when it was let
    go after that, or after it was held."""

    id: int
    content: IssueContent
    retry_at: datetime | None = None
    failures: int = 0
    kept: Kept = ""
    send_after: datetime | None = None
    released_at: datetime | None = None


def candidates(store: Store, edition: str, sources: Sequence[str], backfill: int) -> list[StoredPost]:
    """What `edition` may carry of `sources` (names), in ingest order: every post of a story it has not carried, that
    came after its source joined the edition; of what the source had before (or brought when it was first read), the
    newest `backfill`. Nothing that a rule of its source excludes, or that a rule of the edition left out of an issue
    (`pass_over`). Call `feeds.sync` first."""
    rows = store.rows(_CANDIDATES, {"edition": edition, "backfill": backfill})
    wanted = set(sources)
    return [stored_post(row) for row in rows if row["source"] in wanted]


def any_candidates(store: Store, edition: str, backfill: int) -> bool:
    """Whether there is anything that `edition` may carry, of whatever source."""
    values = {"edition": edition, "backfill": backfill}
    return store.row(f"SELECT 1 FROM ({_CANDIDATES}) LIMIT 1", values) is not None


def waiting(store: Store, edition: str, sources: Sequence[str], backfill: int, before: datetime) -> set[int]:
    """Those of the candidates, by id, that were first seen before a moment."""
    rows = store.rows(
        f"SELECT id, source FROM ({_CANDIDATES}) WHERE first_seen < :before",
        {"edition": edition, "backfill": backfill, "before": time_to_text(before)},
    )
    wanted = set(sources)
    return {row["id"] for row in rows if row["source"] in wanted}


def copied_from(store: Store, edition: str, post_id: int) -> int | None:
    """The post in another source's backlog that a post is a copy of, for which it is no news to an edition."""
    row = store.row(
        f"""WITH {_HORIZONS} SELECT {_COPIED_FROM} AS original
        FROM posts p JOIN horizons h ON h.feed_id = p.feed_id WHERE p.id = :id""",
        {"edition": edition, "id": post_id},
    )
    return row["original"] if row else None


def edited(store: Store, edition: str, sources: Sequence[str], since: datetime) -> list[EditedPost]:
    """The posts of `sources` (names) that an issue of `edition` carried, that were edited after it was frozen, in a way
    worth telling (posts/edits.py), at `since` or later, and that the edition has not told of yet. Nothing that a rule
    excludes or the brake holds. In no order."""
    rows = store.rows(_EDITED, {"edition": edition, "since": time_to_text(since)})
    wanted = set(sources)
    return [_edited_post(row) for row in rows if row["source"] in wanted]


def last_frozen(store: Store, edition: str) -> datetime | None:
    """When the last issue of an edition was made, or None while there is none."""
    row = store.row("SELECT frozen_at FROM issues WHERE edition = ? ORDER BY number DESC LIMIT 1", (edition,))
    return text_to_time(row["frozen_at"]) if row else None


def next_number(store: Store, edition: str) -> int:
    row = store.row("SELECT coalesce(max(number), 0) + 1 AS number FROM issues WHERE edition = ?", (edition,))
    return int(row["number"]) if row else 1


def freeze(
    store: Store,
    content: IssueContent,
    letters: Sequence[Letter],
    slot: str | None,
    now: datetime,
    send_after: datetime | None = None,
    held_at: datetime | None = None,
) -> int:
    """Stores an issue, its items, those only named behind them, what it tells of edits, and one delivery per letter,
    in one transaction; returns its id. With `send_after` it is in review until then, with `held_at` held."""
    moments = [time_to_text(moment) for moment in (content.frozen_at, send_after, held_at)]
    with store.write():
        cursor = store.conn.execute(
            """INSERT INTO issues (edition, number, slot, content, readers, frozen_at, send_after, held_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (content.edition, content.number, slot, content_to_text(content), len(letters), *moments),
        )
        issue_id = int(cursor.lastrowid or 0)
        store.conn.executemany(
            """INSERT INTO issue_items (edition, story, issue_id, post_id, position, changed_at)
            VALUES (?, ?, ?, ?, ?, (SELECT changed_at FROM posts WHERE id = ?))""",
            [
                (content.edition, story, issue_id, post_id, n, post_id)
                for n, (story, post_id) in enumerate(_carried(content))
            ],
        )
        store.conn.executemany(
            "INSERT INTO issue_updates (edition, post_id, issue_id, position) VALUES (?, ?, ?, ?)",
            [(content.edition, one.post_id, issue_id, n) for n, one in enumerate(content.updates)],
        )
        store.conn.executemany(
            """INSERT INTO deliveries (issue_id, address, message_id, language, subscriber_id, updated_at)
            VALUES (?, ?, ?, ?, ?, ?)""",
            [
                (issue_id, one.address, one.message_id, one.language, one.subscriber_id, time_to_text(now))
                for one in letters
            ],
        )
        if not is_personal(content.edition):
            want_publishing(store)
    return issue_id


def pass_over(store: Store, edition: str, passed: Mapping[int, str], now: datetime) -> None:
    """Notes posts (by id) that a rule of an edition (its text) leaves out of an issue, or of a slot without one: they
    are no news later, when the rules let them in."""
    with store.write():
        store.conn.executemany(
            "INSERT OR IGNORE INTO passed_posts (edition, post_id, rule, passed_at) VALUES (?, ?, ?, ?)",
            [(edition, post_id, rule, time_to_text(now)) for post_id, rule in passed.items()],
        )


def settle(store: Store, edition: str, backfill: int) -> None:
    """Notes how far an edition need not look for its next issue: up to the first post of each source that waits. To be
    called within the transaction that freezes an issue or records a slot, after all else."""
    rows = store.rows(
        f"SELECT feed_id, is_news, min(id) - 1 AS before FROM ({_CANDIDATES}) GROUP BY feed_id, is_news",
        {"edition": edition, "backfill": backfill},
    )
    store.conn.execute(
        "UPDATE edition_sources SET settled_id = (SELECT coalesce(max(id), 0) FROM posts) WHERE edition = ?", (edition,)
    )
    store.conn.executemany(
        "UPDATE edition_sources SET settled_id = ? WHERE edition = ? AND feed_id = ?",
        [(row["before"], edition, row["feed_id"]) for row in rows if row["is_news"]],
    )
    store.conn.execute(
        """UPDATE edition_sources SET settled_backfill = max(settled_backfill, :backfill) WHERE edition = :edition
        AND feed_id IN (SELECT id FROM feeds WHERE first_batch_id IS NOT NULL)
        AND feed_id NOT IN (SELECT value FROM json_each(:waiting))""",
        {
            "edition": edition,
            "backfill": backfill,
            "waiting": json.dumps([row["feed_id"] for row in rows if not row["is_news"]]),
        },
    )


def undelivered(store: Store, edition: str) -> list[StoredIssue]:
    """Issues of `edition` with a delivery that is not settled, and nothing that keeps them from being sent, oldest
    first."""
    rows = store.rows(
        f"SELECT i.* FROM {OPEN_ISSUES} WHERE i.edition = :edition AND {MAY_GO} ORDER BY i.number", {"edition": edition}
    )
    return [stored_issue(row) for row in rows]


def interrupted(store: Store, edition: str) -> bool:
    """Whether an issue of `edition` was left in the middle, or is in review: some of its deliveries were never tried to
    the end. One that is held counts as none, or the edition would stop with it."""
    row = store.row(
        """SELECT 1 FROM issues i JOIN deliveries d ON d.issue_id = i.id
        WHERE i.edition = ? AND i.held_at IS NULL AND d.state IN ('pending', 'leased', 'inflight')
        AND d.next_at IS NULL""",
        (edition,),
    )
    return row is not None


def record_trouble(store: Store, issue_ids: Sequence[int], retry_at: datetime | None, failures: int) -> None:
    """Notes that the mail server as a whole failed (`failures` times in a row) and when to try again; 0 clears it."""
    with store.write():
        store.conn.execute(
            "UPDATE issues SET retry_at = ?, failures = ? WHERE id IN (SELECT value FROM json_each(?))",
            (time_to_text(retry_at), failures, json.dumps(list(issue_ids))),
        )


def frozen(store: Store) -> list[StoredIssue]:
    """All issues, newest first."""
    return [stored_issue(row) for row in store.rows("SELECT * FROM issues ORDER BY frozen_at DESC, id DESC")]


def stored_issue(row: Any) -> StoredIssue:
    """An issue of a row of all columns of its table."""
    return StoredIssue(
        id=row["id"],
        content=text_to_content(row["content"]),
        retry_at=text_to_time(row["retry_at"]),
        failures=row["failures"],
        kept=kept(row),
        send_after=text_to_time(row["send_after"]),
        released_at=text_to_time(row["released_at"]),
    )


def kept(row: Any) -> Kept:
    """What keeps an issue from being sent, by the columns of its row: the opposite of `MAY_GO`."""
    if row["dropped_at"] is not None:
        return "dropped"
    if row["held_at"] is not None:
        return "held"
    return "reviewing" if row["send_after"] is not None and row["released_at"] is None else ""


def _carried(content: IssueContent) -> list[tuple[int, int]]:
    """Story and post of all that an issue shows or names, in order."""
    shown = [(item.story, item.post_id) for item in content.items]
    return shown + [(item.story, item.post_id) for item in content.more]


def _edited_post(row: Any) -> EditedPost:
    return EditedPost(
        post=stored_post(row),
        former_title=row["shown_title"],
        former_text=row["shown_text"] if row["shown_whole"] else row["first_text"],
    )
