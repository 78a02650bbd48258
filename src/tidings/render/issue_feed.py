"""An edition's issues as an Atom feed (RFC 4287): an entry for each, for who follows a digest in a feed reader.

Made of the same frozen issues as the mail and the web pages, so the three never disagree. Edits that an issue tells of
are left to these: in a feed they would be news of what followers have read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from tidings.model import IssueContent
from tidings.render.arrangement import arrange, line_of
from tidings.render.atom import add_link, add_text, feed_element, in_language, made_id, rfc3339, serialise
from tidings.render.environment import SHIPPED, Press, Templates, open_press
from tidings.render.subject import write_subject
from tidings.render.words import one_line


@dataclass(frozen=True, slots=True)
class IssueFeed:
    """The issues of an edition to write as a feed, newest first. `site_id` never changes, whatever the addresses do;
    `empty_updated` is the feed's date while there are no issues."""

    site_id: str
    edition: str
    title: str
    site_title: str
    site_url: str
    self_url: str
    language: str
    issues: Sequence[IssueContent]
    empty_updated: datetime


def render_issue_feed(feed: IssueFeed, templates: Templates = SHIPPED) -> bytes:
    """The feed as an Atom document in UTF-8. Raises RenderError."""
    root = feed_element(feed.language)
    add_text(root, "id", made_id(f"{feed.site_id} edition {feed.edition}"))
    add_text(root, "title", one_line(feed.title), type="text")
    add_text(root, "updated", rfc3339(max((issue.frozen_at for issue in feed.issues), default=feed.empty_updated)))
    add_link(root, "self", feed.self_url, type="application/atom+xml")
    add_link(root, "alternate", feed.site_url, type="text/html")
    add_text(SubElement(root, "author"), "name", one_line(feed.site_title))
    add_text(root, "generator", "Tidings")
    for issue in feed.issues:
        _entry(root, feed, issue, open_press(templates, issue.language))
    return serialise(root)


def _entry(root: Element, feed: IssueFeed, issue: IssueContent, press: Press) -> None:
    entry = SubElement(root, "entry", in_language({}, issue.language))
    add_text(entry, "id", made_id(f"{feed.site_id} edition {issue.edition} {issue.number}"))
    add_text(entry, "title", one_line(write_subject(issue, press)), type="text")
    add_link(entry, "alternate", f"{issue.site_url}/{issue.path}", type="text/html")
    add_text(entry, "published", rfc3339(issue.frozen_at))
    add_text(entry, "updated", rfc3339(issue.frozen_at))
    values = {
        "content": issue,
        "in_feed": True,
        "sections": arrange(issue, press.wording),
        "more": [line_of(story, press.wording) for story in issue.more],
    }
    add_text(entry, "content", press.render("issue-entry.html", values), type="html")
