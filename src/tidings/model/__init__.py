"""The values that pass between rooms, named for their place in the pipes. Frozen; no I/O, no clock.

    poll     Source → FetchRequest → Fetched | Unchanged | Failed | Postponed → Document → ParsedFeed → FeedChange
    digest   StoredPost → IssueContent → Delivery → Receipt
    publish  StoredPost, IssueContent → pages and feeds

All times are aware UTC datetimes; sizes are bytes.
"""

from tidings.model.configured import (
    Edition,
    Etiquette,
    Rule,
    RuleField,
    Schedule,
    Source,
)
from tidings.model.digests import (
    AlsoIn,
    Delivery,
    IssueContent,
    IssueItem,
    Receipt,
    StoredPost,
)
from tidings.model.polling import (
    Document,
    Enclosure,
    Failed,
    FailureKind,
    FeedChange,
    FeedState,
    Fetched,
    FetchRequest,
    Hop,
    HostState,
    KnownPost,
    Login,
    Move,
    Outcome,
    ParsedFeed,
    ParsedPost,
    PollRow,
    Postponed,
    PostToSave,
    Rhythm,
    Unchanged,
    Validators,
    Wishes,
)

__all__ = [
    "AlsoIn",
    "Delivery",
    "Document",
    "Edition",
    "Enclosure",
    "Etiquette",
    "Failed",
    "FailureKind",
    "FeedChange",
    "FeedState",
    "FetchRequest",
    "Fetched",
    "Hop",
    "HostState",
    "IssueContent",
    "IssueItem",
    "KnownPost",
    "Login",
    "Move",
    "Outcome",
    "ParsedFeed",
    "ParsedPost",
    "PollRow",
    "PostToSave",
    "Postponed",
    "Receipt",
    "Rhythm",
    "Rule",
    "RuleField",
    "Schedule",
    "Source",
    "StoredPost",
    "Unchanged",
    "Validators",
    "Wishes",
]
