"""A mail's subject: the edition's own template, or its title, the first headline and how many more follow.

Feeds write headlines, so nothing of one may end the header it goes into; mail/message.py sees to encoded words.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidings.errors import RenderError
from tidings.model import IssueContent
from tidings.render.environment import Press
from tidings.render.words import called, local_date, long_day, one_line, shorten

_VISIBLE = 70
"""Characters that most inboxes show of a subject, and what checkers take for the most."""

_HEADLINE = 60
_SHORTEST_HEADLINE = 24
"""A headline is cut to this rather than the subject kept short at any cost: less of it says nothing."""


def write_subject(content: IssueContent, press: Press) -> str:
    """The subject of an issue in the language of `press`, on one line. The headline is cut where that keeps it short.

    Raises RenderError that names the edition's key when its template is wrong.
    """
    subject = _written(content, press, _HEADLINE)
    excess = len(subject) - _VISIBLE
    if excess <= 0:
        return subject
    length = min(_HEADLINE, len(_headline(content, press, _HEADLINE)))
    return _written(content, press, max(_SHORTEST_HEADLINE, length - excess))


def _written(content: IssueContent, press: Press, length: int) -> str:
    values = _values(content, press, length)
    if not content.subject_template:
        return one_line(_usual(values, press))
    try:
        return one_line(press.render_text(content.subject_template, values))
    except RenderError as error:
        raise RenderError(
            f"The subject of edition {content.edition}, {content.subject_template!r}, cannot be rendered: "
            f"{str(error).rstrip('.')}. "
            f"Correct its key `subject`; it may name {', '.join(values)}."
        ) from error


def _usual(values: Mapping[str, object], press: Press) -> str:
    words = press.wording
    if not values["headline"]:
        return words.gettext("%(edition)s, issue %(number)s") % values
    more = int(str(values["more"]))
    if not more:
        return words.gettext("%(edition)s: %(headline)s") % values
    message = words.ngettext(
        "%(edition)s: %(headline)s and %(num)s more", "%(edition)s: %(headline)s and %(num)s more", more
    )
    return message % {**values, "num": more}


def _values(content: IssueContent, press: Press, length: int) -> Mapping[str, object]:
    count = len(content.items) + len(content.more)
    return {
        "edition": one_line(content.edition_title),
        "number": content.number,
        "headline": _headline(content, press, length),
        "count": count,
        "more": max(0, count - 1),
        "date": long_day(local_date(content.frozen_at, content.timezone), press.wording),
    }


def _headline(content: IssueContent, press: Press, length: int) -> str:
    first = next(iter(content.items), None)
    return shorten(called(first.title, first.text, press.wording), length) if first else ""
