"""An edition's issues as a feed: an entry for each, for who follows a digest in a feed reader.

Made of the same frozen issues as the mail and the web pages, so the three never disagree. Edits that an issue tells of
are left to these: in a feed they would be news of what followers have read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidings.model import IssueContent
from tidings.render.arrangement import arrange, line_of
from tidings.render.environment import SHIPPED, Press, Templates, open_press
from tidings.render.feeds import Entry, Feed
from tidings.render.subject import write_subject
from tidings.render.words import one_line
from tidings.render.xml import made_id


@dataclass(frozen=True, slots=True)
class IssueFeed:
    """The issues of an edition to make a feed of, newest first. `site_id` never changes, whatever the addresses do;
    `empty_updated` is the feed's date while there are no issues. With `noindex` it wants to be in no search engine."""

    site_id: str
    edition: str
    title: str
    site_title: str
    site_url: str
    language: str
    issues: Sequence[IssueContent]
    empty_updated: datetime
    style: str = ""
    noindex: bool = False


def feed_of_issues(issues: IssueFeed, templates: Templates = SHIPPED) -> Feed:
    """The feed of some issues. Raises RenderError."""
    return Feed(
        id=made_id(f"{issues.site_id} edition {issues.edition}"),
        title=one_line(issues.title),
        site_url=issues.site_url,
        updated=max((issue.frozen_at for issue in issues.issues), default=issues.empty_updated),
        author=one_line(issues.site_title),
        language=issues.language,
        entries=[_entry(issues, issue, open_press(templates, issue.language)) for issue in issues.issues],
        style=issues.style,
        noindex=issues.noindex,
    )


def _entry(issues: IssueFeed, issue: IssueContent, press: Press) -> Entry:
    values = {
        "content": issue,
        "in_feed": True,
        "sections": arrange(issue, press.wording),
        "more": [line_of(story, press.wording) for story in issue.more],
    }
    return Entry(
        id=made_id(f"{issues.site_id} edition {issue.edition} {issue.number}"),
        title=one_line(write_subject(issue, press)),
        url=f"{issue.site_url}/{issue.path}",
        updated=issue.frozen_at,
        author=one_line(issues.site_title),
        published=issue.frozen_at,
        language=issue.language,
        html=press.render("issue-entry.html", values),
    )
