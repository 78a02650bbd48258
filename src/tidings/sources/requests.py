"""What is asked of a source, and whether an old answer may be compared with a new one. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from tidings.model import FeedState, FetchRequest, Login, Source
from tidings.records import dataclass
from tidings.sources.cadence import doubts_silence
from tidings.sources.redirects import url_to_ask

_READING = 1
"""Raise it when the same bytes would now be read differently: then each feed is asked for once more in full."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a source is asked: as whom, and with what of the operator's."""

    user_agent: str
    headers: tuple[tuple[str, str], ...] = ()
    login: Login | None = None


def request(state: FeedState, manner: Manner, now: datetime) -> FetchRequest:
    """The request for a source's feed: conditional if its last answer was had in the same way, and is not doubted."""
    return FetchRequest(
        feed_id=state.feed_id,
        url=url_to_ask(state, now),
        validators=None if doubts_silence(state, now) else state.validators,
        user_agent=manner.user_agent,
        headers=manner.headers,
        login=manner.login,
        home=state.source.url,
    )


def recall(state: FeedState) -> FeedState:
    """The state without what can't be compared with the next answer: validators and body of a request that was made
    otherwise (research on aggregators, b.1)."""
    if state.request_identity == request_identity(state.source):
        return state
    return replace(state, validators=None, body_hash=None)


def request_identity(source: Source) -> str:
    """Stands for everything beside the URL that decides which document a server gives us (32 hex digits). Secrets do
    not enter: headers count as the operator wrote them."""
    parts = [str(_READING), source.username or "", *(f"{name}: {value}" for name, value in source.headers)]
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()
