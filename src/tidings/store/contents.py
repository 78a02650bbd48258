"""An issue's content as its column holds it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from tidings.model import AlsoIn, Enclosure, IssueContent, IssueItem, MoreItem, Picture, UpdateItem
from tidings.store.database import stored_time, text_to_time, time_to_text


def content_to_text(content: IssueContent) -> str:
    """An issue's content as its column holds it."""
    values = _plain(content)
    if not content.updates:
        del values["updates"]  # as issues were before there were any
    if not content.text_only:
        del values["text_only"]
    return json.dumps(values, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """A value as JSON knows it, but for those in it: `asdict` would copy all of them first, which took half of the time
    of freezing."""
    if isinstance(value, datetime):
        return time_to_text(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}


def text_to_content(text: str) -> IssueContent:
    """The content that a column holds."""
    raw = json.loads(text)
    items = tuple(_item(item) for item in raw.pop("items"))
    updates = tuple(_update(one) for one in raw.pop("updates", []))
    more = tuple(MoreItem(**one) for one in raw.pop("more", []))
    frozen_at = stored_time(raw.pop("frozen_at"))
    return IssueContent(**raw, frozen_at=frozen_at, items=items, updates=updates, more=more)


def _item(raw: dict[str, Any]) -> IssueItem:
    also_in = tuple(AlsoIn(**one) for one in raw.pop("also_in"))
    enclosures = tuple(Enclosure(**one) for one in raw.pop("enclosures"))
    picture = raw.pop("picture", None)
    item = IssueItem(**raw, also_in=also_in, enclosures=enclosures, picture=Picture(**picture) if picture else None)
    return replace(item, published=text_to_time(raw["published"]))


def _update(raw: dict[str, Any]) -> UpdateItem:
    return UpdateItem(**{**raw, "changed_at": text_to_time(raw["changed_at"])})
