"""How an address stands: what is held against it, and whether it is mailed. For what comes back, and for what servers
say while we send. All within the caller's transaction, if there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tidings.addresses import pseudonym
from tidings.mail.bounces_score import MEMORY, after, is_dead
from tidings.mail.pseudonyms import anonymous
from tidings.model import NoteKind, Score, Sign
from tidings.store import Store, incoming, moves, signups, site, suppressions
from tidings.store.suppressions import ALL, Reason, Suppression

QUIET = timedelta(days=7)
"""An issue came through when nothing came back for so long after a server took it: many take first and report later,
some after five days of trying."""

Toll = Literal["noted", "counted", "suppressed", "ended"]
"""What a failed mail led to: nothing, points, no more mail at all, or an end of what it asked for."""

_REASONS: dict[Reason, str] = {
    "bounced": "mail to it bounced",
    "complained": "it called our mail spam",
    "unsubscribed": "it unsubscribed",
    "by-hand": "suppressed by hand",
}


OF_NOTES = -1
"""The number under which all small mails count against a reader: issues have theirs above zero. Others can have several
sent within an hour, and these must not weigh more than one issue."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a server's `words` say against an address."""

    address: str
    sign: Sign
    words: str


def count(store: Store, failures: Iterable[Failure], now: datetime) -> list[str]:
    """Counts failures against their addresses; those that are dead then are mailed no more, and returned."""
    dead = []
    with store.write():
        secret = site.secret(store)
        for one in failures:
            key = pseudonym(one.address, secret)
            score = after(_with_successes(store, one.address, suppressions.score(store, key), now), one.sign, now)
            suppressions.save_score(store, key, score)
            if is_dead(score):
                suppressions.add(store, key, ALL, "bounced", anonymous(one.words), now)
                dead.append(one.address)
    return dead


def count_note(store: Store, kind: NoteKind, about: str, reader: str, sign: Sign, words: str, now: datetime) -> Toll:
    """What it leads to that a small mail came back: where nobody is there to say yes, what it asks for is over, by the
    name that it is `about`; else it counts against the `reader` who has the address, "" for nobody."""
    if kind in ("confirm", "move"):
        return "ended" if sign.weight == "hard" and _end_wish(store, kind, about) else "noted"
    if not reader:
        return "noted"
    return "suppressed" if count(store, [Failure(reader, sign, words)], now) else "counted"


def _end_wish(store: Store, kind: NoteKind, about: str) -> bool:
    """Ends the sign-up, or the move, that a note asks about; says whether there still was one."""
    return signups.drop(store, about) if kind == "confirm" else moves.withdraw(store, about)


def suppress(store: Store, address: str, edition: str, reason: Reason, words: str, now: datetime) -> bool:
    """Mails an address no more, nothing of an edition or of `ALL`; returns whether it was mailed before."""
    return suppressions.add(store, pseudonym(address, site.secret(store)), edition, reason, anonymous(words), now)


def unsuppress(store: Store, address: str) -> bool:
    """Mails an address again, with nothing held against it; returns whether it was suppressed."""
    return suppressions.remove(store, pseudonym(address, site.secret(store))) > 0


def suppressed(store: Store, addresses: Iterable[str], edition: str) -> dict[str, str]:
    """Those of some addresses that are not to get an edition, each with the reason in words. One query for all."""
    return {address: reason(one) for address, one in suppressions_of(store, addresses, edition).items()}


def suppressions_of(store: Store, addresses: Iterable[str], edition: str) -> dict[str, Suppression]:
    """The same with what keeps each of them from it."""
    secret = site.secret(store)
    keys = {address: pseudonym(address, secret) for address in addresses}
    found = suppressions.among(store, list(keys.values()), edition)
    return {address: found[key] for address, key in keys.items() if key in found}


def reason(one: Suppression) -> str:
    """Why an address is suppressed, in words."""
    return f"{_REASONS[one.reason]} ({one.since:%Y-%m-%d})" + (f": {one.words}" if one.words else "")


def _with_successes(store: Store, address: str, score: Score, now: datetime) -> Score:
    """The score with the issues that came through since its last sign. They matter only when there is another one, so
    that is when they are looked up; each falls between two judgements, so it counts once. They count now, and not each
    at its time: after a sign points fade for thirty days anew, and a success must not make them last."""
    if score.at is None:
        return score
    for issue_id in incoming.came_through(store, address, QUIET, max(score.at, now - MEMORY), now):
        score = after(score, Sign(issue_id, "success"), now)
    return score
