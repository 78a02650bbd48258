"""The values that pass between rooms, named for their place in the pipes. Frozen; no I/O, no clock.

    poll     Source → FetchRequest → Fetched | Unchanged | Failed | Postponed → Document → ParsedFeed → FeedChange
    digest   StoredPost → IssueContent → Delivery → Receipt
    publish  StoredPost, IssueContent → pages and feeds

All times are aware UTC datetimes; sizes are bytes.
"""

from tidings.model.configured import (
    COMBINED_FEED,
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
    EditedPost,
    IssueContent,
    IssueItem,
    Receipt,
    StoredPost,
    UpdateItem,
)
from tidings.model.polling import (
    Document,
    Failed,
    FailureKind,
    FeedState,
    Fetched,
    FetchRequest,
    Hop,
    HostState,
    Login,
    Move,
    Outcome,
    PollRow,
    Postponed,
    Rhythm,
    Unchanged,
    Validators,
    Wishes,
)
from tidings.model.posts import (
    EditKind,
    Enclosure,
    FeedChange,
    Join,
    KnownPost,
    ParsedFeed,
    ParsedPost,
    PostToSave,
    Remembered,
    Suspect,
)

__all__ = [
    "COMBINED_FEED",
    "AlsoIn",
    "Delivery",
    "Document",
    "EditKind",
    "EditedPost",
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
    "Join",
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
    "Remembered",
    "Rhythm",
    "Rule",
    "RuleField",
    "Schedule",
    "Source",
    "StoredPost",
    "Suspect",
    "Unchanged",
    "UpdateItem",
    "Validators",
    "Wishes",
]
