"""Whether a folder of published files was made by the database that is to publish into it. Pure.

What is published is compared with a list of what is there, and the rest is taken away. So a database that lacks the
posts, being empty, begun anew, or an old copy, would take a whole planet off the web. What settings keep from being
published is still in the database, and no reason to hesitate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_FEW = 20
"""Posts of which all may be missing: somebody tries things out."""

_PAGE = re.compile(r"posts/([0-9]{1,18})\.html")  # as many digits as SQLite can hold for certain


def posts_among(paths: Iterable[str]) -> set[int]:
    """The posts, by their ids, whose pages are among some files (plan.py, `post_path`)."""
    return {int(found[1]) for found in map(_PAGE.fullmatch, paths) if found}


def lacks_most(missing: int, listed: int) -> bool:
    """Whether so many of the posts that have a page are `missing` that this is another database, or an old copy."""
    return listed > _FEW and missing * 2 > listed
