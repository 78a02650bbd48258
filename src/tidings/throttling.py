"""Whether one more mail may be asked for over the web, by whoever it is: readers/throttle.py decides, the database
remembers. For sign-ups, links to the preferences, and moves to another address."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from tidings.model import FloodKind
from tidings.readers.throttle import ALL, KEPT, OWN, REPEATS, ask_budget, ask_patience, networks
from tidings.store import Store, site, throttle

_KEY_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it may be done now, or in how long it is worth asking again. `is_flood` says that a budget is used up,
    of all or of repeats, which the operator should hear of."""

    may_go: bool
    wait: timedelta = timedelta()
    is_flood: bool = False


def ask(store: Store, kind: FloodKind, whom: bytes, address: IPv4Address | IPv6Address | None, now: datetime) -> Answer:
    """Asks for one more of a `kind` from `address`, None where that is not known: then only the budget counts. `whom`
    is the fingerprint of who is to be mailed, or has it done: it does not change the answer. What may go is counted at
    once, so two processes let no more through than one."""
    secret = site.secret(store)
    patiences = {_key(secret, kind, network): patience for network, patience in networks(address)} if address else {}
    everybody, repeats, own = (_key(secret, kind, who) for who in ("", "repeats", whom.hex()))
    with store.write():
        known = throttle.states(store, [*patiences, everybody, repeats, own])
        verdicts = {key: ask_patience(known.get(key), patience, now) for key, patience in patiences.items()}
        within_own = ask_budget(known.get(own), OWN[kind], now)
        budgets = {everybody: ask_budget(known.get(everybody), ALL, now, places=int(within_own.may_go))}
        if not within_own.may_go:
            budgets[repeats] = ask_budget(known.get(repeats), REPEATS, now)
        verdicts |= budgets
        may_go = all(verdict.may_go for verdict in verdicts.values())
        # Refused, only what refused is kept: a clock that was set back is noted there, and nothing is used up.
        kept = {key: one.state for key, one in verdicts.items() if may_go or not one.may_go}
        throttle.keep(store, kept | ({own: within_own.state} if may_go else {}))
        throttle.forget(store, now - KEPT)
    wait = max(verdict.wait for verdict in verdicts.values())
    return Answer(may_go, wait, not all(budget.may_go for budget in budgets.values()))


def _key(secret: bytes, kind: str, who: str) -> bytes:
    """What a network or an address is kept under: it can be compared, and not be read back out of a copy of the
    database."""
    return hmac.digest(secret, f"throttle\0{kind}\0{who}".encode(), hashlib.sha256)[:_KEY_OCTETS]
