"""What docs/privacy.md says is kept is what is kept: every table is named there, or concerns nobody, and times hold."""

from __future__ import annotations

import re

import pytest

from tests.test_docs import ROOT, section
from tidings.forgetting import NETWORK_KEPT
from tidings.readers.throttle import KEPT as BRAKE_KEPT
from tidings.store import Store, notes, signups

PAGE = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
OF_NOBODY = {
    *("_sqlite_migrations", "sqlite_sequence", "site", "sender", "link_keys"),
    *("feeds", "feed_items", "hosts", "post_keys", "noise", "entry_ids", "exclusions"),
    *("story_urls", "story_marks", "story_joins", "never_merged", "floods"),
}
"""What feeds and servers are like, how posts belong together, and our own keys."""

PERSONAL = re.compile(r"address|network|fingerprint|subscriber|reader|author")
A_HASH = ("site", "readers_in_file")  # of all of them together


def kept() -> dict[str, str]:
    """How long each table that the page names is kept."""
    rows = [
        line.strip("|").split(" | ") for line in section(PAGE, "What is kept").splitlines() if line.startswith("| `")
    ]
    return {name: cells[-1] for cells in rows for name in re.findall(r"`(\w+)`", cells[0])}


def tables(store: Store) -> set[str]:
    rows = store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row["name"] for row in rows if not row["name"].startswith("posts_fts_")}


def test_every_table_is_on_the_page_or_of_nobody(store: Store) -> None:
    """A table that is new has to be thought about; one that is gone is not on the page any more."""
    assert set(kept()) | OF_NOBODY == tables(store)
    assert set(kept()) & OF_NOBODY == set()


def test_no_table_of_nobody_has_a_column_of_somebody(store: Store) -> None:
    """Whatever is called after an address, a network or a reader is in a table that the page tells of."""
    found = {
        (table, row["name"])
        for table in OF_NOBODY
        for row in store.rows(f"PRAGMA table_info({table})")
        if PERSONAL.search(row["name"])
    }
    assert found == {A_HASH}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("consents", f"the network until {NETWORK_KEPT.days} days after"),
        ("signups", f"{signups.KEPT.days} days later"),
        ("notes_sent", f"{notes.SENT_KEPT.days} days later"),
        ("throttle", "a day later" if BRAKE_KEPT.days == 1 else ""),
    ],
)
def test_the_times_on_the_page_are_those_of_the_code(table: str, said: str) -> None:
    """What is erased by itself is, when the page says so."""
    assert said
    assert said in kept()[table]


def test_the_notice_promises_the_same_times() -> None:
    """The text to copy has the times of the table."""
    notice = section(PAGE, "A text for your notice")
    assert f"erased after {signups.KEPT.days} days" in notice
    assert f"the network is erased after {NETWORK_KEPT.days} days" in " ".join(notice.replace("> ", "").split())
