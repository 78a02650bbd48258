"""Issues between being frozen and being sent: in review, held, rid of a story, called off.

    frozen → reviewing → sending → sent
                 ↕ held ↕
                 dropped, while no message of it may be in a mailbox

Each function is one transaction, so whoever dies within it leaves the issue as it was. Those that change what an issue
holds are for who holds the right to deliver: a delivery under way has rendered it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidings.errors import StoreError
from tidings.model import IssueContent, personal_name
from tidings.store import deliveries
from tidings.store.contents import content_to_text
from tidings.store.database import Store, stored_time, text_to_time, time_to_text
from tidings.store.issues import (
    DROPPED_FROM,
    IS_MADE_OF,
    IS_SHARED,
    MAY_GO,
    ON_THE_WEB,
    OUT,
    StoredIssue,
    stored_issue,
)
from tidings.store.site import want_publishing
from tidings.store.stories import settle_ledger

_MOST_NAMED = 10
_LONGEST_NUMBER = 18  # digits: what SQLite can hold for certain

_SHOWN_ELSEWHERE = """
SELECT DISTINCT p.story FROM issue_items i JOIN posts p ON p.id = i.post_id
JOIN posts q ON q.story = p.story JOIN issue_items o ON o.post_id = q.id
WHERE o.edition = ? AND i.issue_id = ? AND o.edition = i.edition AND o.issue_id != i.issue_id
"""


@dataclass(frozen=True, slots=True)
class ReaderState:
    """How far one delivery of an issue came. `reply` is what the server said last, `next_at` when a deferred one is
    tried again."""

    address: str
    state: str
    attempts: int
    reply: str
    next_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DroppedStory:
    """A story that was taken out of an issue, by the post that the issue had shown of it."""

    post_id: int
    source: str
    title: str
    url: str


def newest(store: Store, edition: str | None, limit: int, *, personal: bool = False) -> list[StoredIssue]:
    """The newest `limit` issues, of one edition or of all, newest first; with `personal` also those of readers' own
    editions that are made of it."""
    own = IS_MADE_OF if personal else "0"
    rows = store.rows(
        f"""SELECT * FROM issues i WHERE (:edition IS NULL OR edition = :edition OR {own})
        AND ({personal:d} OR edition = :edition OR {IS_SHARED}) ORDER BY frozen_at DESC, id DESC LIMIT :limit""",
        {"edition": edition, "own": personal_name(edition or "", ""), "limit": limit},
    )
    return [stored_issue(row) for row in rows]


def named(store: Store, name: str) -> StoredIssue:
    """The issue that is called `name`, such as "weekly-12" or "weekly#12", or the newest of the edition that is.

    Raises StoreError that lists the newest there are, when there is none, and one that names both, when "news-2" is
    issue 2 of `news` and an edition as well. With # there is no doubt, since no edition's name has one.
    """
    exact = _numbered(store, name, "#")
    if exact is not None:
        return exact
    issue, latest = _numbered(store, name, "-"), next(iter(newest(store, name, 1)), None)
    if issue is not None and latest is not None:
        one, other = (f"{found.content.edition}#{found.content.number}" for found in (issue, latest))
        raise StoreError(
            f"{name!r} is issue {issue.content.number} of {issue.content.edition}, and also an edition: "
            f"write {one} for the former, {other} for the newest issue of the latter"
        )
    if (found := issue or latest) is not None:
        return found
    there = ", ".join(one.content.name for one in newest(store, None, _MOST_NAMED))
    raise StoreError(f"no issue is called {name!r}; " + (f"the newest are: {there}" if there else "there are none yet"))


def _numbered(store: Store, name: str, sign: str) -> StoredIssue | None:
    """The issue that `name` calls by its edition and number, with `sign` between the two."""
    edition, _, number = name.rpartition(sign)
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        return None
    row = store.row("SELECT * FROM issues WHERE edition = ? AND number = ?", (edition, int(number)))
    return None if row is None else stored_issue(row)


def editions(store: Store) -> list[str]:
    """The editions that have issues, also those that are not in the file any more; none of readers' own."""
    rows = store.rows(f"SELECT DISTINCT edition FROM issues i WHERE {IS_SHARED} ORDER BY edition")
    return [row["edition"] for row in rows]


def waiting(store: Store, edition: str) -> list[StoredIssue]:
    """The issues of an edition that are in review or held, oldest first."""
    rows = store.rows(
        f"SELECT * FROM issues WHERE edition = ? AND dropped_at IS NULL AND NOT ({MAY_GO}) ORDER BY number", (edition,)
    )
    return [stored_issue(row) for row in rows]


def kept_back(store: Store) -> list[StoredIssue]:
    """All other issues: those that are in review, held before the first mail, or called off."""
    rows = store.rows(f"SELECT * FROM issues i WHERE NOT {ON_THE_WEB} AND {IS_SHARED} ORDER BY id")
    return [stored_issue(row) for row in rows]


def is_out(store: Store, issue_id: int) -> bool:
    """Whether a message of an issue is in a mailbox, or may be: accepted, in flight or in doubt."""
    return store.row(f"SELECT 1 FROM issues i WHERE id = ? AND {OUT}", (issue_id,)) is not None


def is_on_the_web(store: Store, issue_id: int) -> bool:
    """Whether an issue is in the archive that is published."""
    return store.row(f"SELECT 1 FROM issues i WHERE id = ? AND {ON_THE_WEB} AND {IS_SHARED}", (issue_id,)) is not None


def readers(store: Store, issue_id: int) -> list[ReaderState]:
    """The deliveries of an issue, in the order in which they are made."""
    rows = store.rows("SELECT * FROM deliveries WHERE issue_id = ? ORDER BY id", (issue_id,))
    return [
        ReaderState(
            address=row["address"],
            state=row["state"],
            attempts=row["attempts"],
            reply=row["reply"] or "",
            next_at=text_to_time(row["next_at"]),
            updated_at=stored_time(row["updated_at"]),
        )
        for row in rows
    ]


def dropped(store: Store, issue: StoredIssue) -> list[DroppedStory]:
    """The stories that were taken out of an issue by hand."""
    rows = store.rows(
        """SELECT p.id, f.title AS source, p.title, p.url FROM passed_posts x JOIN posts p ON p.id = x.post_id
        JOIN feeds f ON f.id = p.feed_id WHERE x.edition = ? AND x.rule = ? ORDER BY p.id""",
        (issue.content.edition, _rule(issue)),
    )
    return [DroppedStory(row["id"], row["source"], row["title"], row["url"]) for row in rows]


def end_reviews(store: Store, edition: str, now: datetime) -> None:
    """Lets those issues of an edition go whose time for review is over. One that is held stays."""
    over = "edition = ? AND send_after <= ? AND released_at IS NULL AND held_at IS NULL AND dropped_at IS NULL"
    moment = time_to_text(now)
    if store.row(f"SELECT 1 FROM issues WHERE {over}", (edition, moment)) is None:
        return
    with store.write():
        store.conn.execute(f"UPDATE issues SET released_at = ? WHERE {over}", (moment, edition, moment))
        want_publishing(store)


def hold(store: Store, issue_id: int, now: datetime) -> None:
    """Keeps an issue from being sent, from its next message on, until it is released."""
    with store.write():
        store.conn.execute("UPDATE issues SET held_at = ? WHERE id = ?", (time_to_text(now), issue_id))
        want_publishing(store)


def release(store: Store, issue_id: int, now: datetime) -> None:
    """Lets an issue go that was held or in review."""
    with store.write():
        store.conn.execute(
            "UPDATE issues SET held_at = NULL, released_at = ? WHERE id = ?", (time_to_text(now), issue_id)
        )
        want_publishing(store)


def freeze_anew(store: Store, issue: StoredIssue, content: IssueContent, gone: Sequence[int], now: datetime) -> None:
    """Puts `content`, which is without the posts `gone`, in the place of an issue's content.

    Their stories stay in the ledger as this issue's, behind everything that it has, so that the edition carries them
    no more, and so do edits that it told of; `passed_posts` says why.
    """
    kept = [item.post_id for item in content.items] + [item.post_id for item in content.more]
    places = {post_id: n for n, post_id in enumerate(kept)}
    with store.write():
        store.conn.execute("UPDATE issues SET content = ? WHERE id = ?", (content_to_text(content), issue.id))
        rows = store.rows("SELECT post_id FROM issue_items WHERE issue_id = ? ORDER BY position", (issue.id,))
        behind = [row["post_id"] for row in rows if row["post_id"] not in places]
        places |= {post_id: len(kept) + n for n, post_id in enumerate(behind)}
        store.conn.executemany(
            "UPDATE issue_items SET position = ? WHERE issue_id = ? AND post_id = ?",
            [(place, issue.id, post_id) for post_id, place in places.items()],
        )
        store.conn.executemany(
            "INSERT OR REPLACE INTO passed_posts (edition, post_id, rule, passed_at) VALUES (?, ?, ?, ?)",
            [(content.edition, post_id, _rule(issue), time_to_text(now)) for post_id in gone],
        )
        want_publishing(store)


def call_off(store: Store, issue: StoredIssue, now: datetime) -> None:
    """Drops an issue as a whole: it is never sent or shown, and its stories and updates are news again to its edition,
    but for those that had been taken out of it."""
    edition, moment = issue.content.edition, time_to_text(now)
    with store.write():
        # What is suppressed while in hand would go to the new address of a reader who moved (`delivery_of_moved`).
        deliveries.release(store)
        store.conn.execute("UPDATE issues SET dropped_at = ? WHERE id = ?", (moment, issue.id))
        store.conn.execute(
            """UPDATE deliveries SET state = 'suppressed', reply = 'the issue was called off', next_at = NULL,
            updated_at = ? WHERE issue_id = ? AND state IN ('pending', 'deferred')""",
            (moment, issue.id),
        )
        shown_twice = store.rows(_SHOWN_ELSEWHERE, (edition, issue.id))
        # An edit that was dropped from another issue keeps nothing out that is to be shown for the first time again.
        store.conn.execute(
            """DELETE FROM passed_posts WHERE edition = ? AND rule != ?
            AND post_id IN (SELECT post_id FROM issue_items WHERE issue_id = ?)""",
            (edition, _rule(issue), issue.id),
        )
        store.conn.execute(
            """DELETE FROM issue_items WHERE issue_id = ?
            AND post_id NOT IN (SELECT post_id FROM passed_posts WHERE edition = ? AND rule = ?)""",
            (issue.id, edition, _rule(issue)),
        )
        store.conn.execute(
            """DELETE FROM issue_updates WHERE issue_id = ?
            AND post_id NOT IN (SELECT post_id FROM passed_posts WHERE edition = ? AND rule = ?)""",
            (issue.id, edition, _rule(issue)),
        )
        # Another issue may have shown a post of the same story, before the two were joined: its line counts now.
        settle_ledger(store, [row["story"] for row in shown_twice])
        want_publishing(store)


def _rule(issue: StoredIssue) -> str:
    """What `passed_posts` says of the stories that were taken out of an issue."""
    return f"{DROPPED_FROM}{issue.content.name}"
