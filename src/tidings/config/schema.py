"""Which tables and keys there are, as pydantic reads them: strict, and nothing beyond what is listed here.

Every text key goes through a function of `values`, `schedules` or `transports`, so the fields hold finished values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from tidings.config import requests, rules, schedules, subscribers, transports, values
from tidings.config.lines import KeyPath
from tidings.config.settings import Network, Transport, WebSettings
from tidings.model import THIS_MACHINE, Etiquette, Order, Rule, Schedule, Subscriber

T = TypeVar("T")

LARGEST_NUMBER = 1_000_000


def _from_text(parse: Callable[[str], T]) -> PlainValidator:
    def validate(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "must be text in quotes")
        return parse(value)

    return PlainValidator(validate)


def _postal_address(value: object) -> str | Literal[False]:
    """Where the sender can be written to; False where nobody needs to know."""
    if value is False:
        return False
    if not isinstance(value, str):
        raise ValueError("must be the address in quotes, or false for a list of people you know")
    return values.paragraph(value)


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    """A table of headers; each complaint belongs to the one it is about."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, {requests.HEADERS_EXAMPLE}")
    seen: dict[str, str] = {}
    for name, text in value.items():
        try:
            requests.header(name, text)
            requests.only_once(name, seen)
        except ValueError as error:
            raise _key_error(name, str(error)) from None
        seen[name.lower()] = name
    return tuple((name, text.strip()) for name, text in value.items())


Line = Annotated[str, _from_text(values.line)]
PostalAddress = Annotated[str | Literal[False], PlainValidator(_postal_address)]
Slug = Annotated[str, _from_text(values.slug)]
Url = Annotated[str, _from_text(values.url)]
SiteUrl = Annotated[str, _from_text(values.site_url)]
Contact = Annotated[str, _from_text(values.contact)]
Address = Annotated[str, _from_text(values.address)]
BounceAddress = Annotated[str, _from_text(values.bounce_address)]
DomainName = Annotated[str, _from_text(values.domain_name)]
Selector = Annotated[str, _from_text(values.selector)]
Mailbox = Annotated[str, _from_text(values.mailbox)]
Language = Annotated[str, _from_text(values.language)]
TimeZone = Annotated[str, _from_text(values.timezone)]
PathText = Annotated[str, _from_text(values.path)]
Variable = Annotated[str, _from_text(values.variable)]
Duration = Annotated[timedelta, _from_text(values.duration)]
DurationOrZero = Annotated[timedelta, _from_text(values.duration_or_zero)]
Keep = Annotated[timedelta | None, _from_text(values.keep)]
Size = Annotated[int, _from_text(values.size)]
Rate = Annotated[float, _from_text(values.rate)]
Cidr = Annotated[Network, _from_text(values.network)]
Listen = Annotated[WebSettings, _from_text(values.listen)]
ListenForMail = Annotated[WebSettings, _from_text(values.listen_for_mail)]
When = Annotated[Schedule, _from_text(schedules.schedule)]
Way = Annotated[Transport, _from_text(transports.transport)]
UserAgent = Annotated[str, _from_text(requests.user_agent)]
UserName = Annotated[str, _from_text(requests.username)]
Headers = Annotated[tuple[tuple[str, str], ...], PlainValidator(_headers)]
Choice = Annotated[Rule, _from_text(rules.rule)]
Count = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
# libcurl waits with select(), which cannot watch file descriptors above 1023.
Transfers = Annotated[int, Field(ge=1, le=500)]
Connections = Annotated[int, Field(ge=1, le=50)]
Weight = Annotated[int, Field(ge=0, le=100)]
CountOrZero = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]


# An address alone, or a table of it and the language that its reader is written to in.
Reader = Annotated[Subscriber, PlainValidator(subscribers.subscriber)]


class Table(BaseModel):
    """A table of the file: no key beyond its fields, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SiteTable(Table):
    title: Line
    url: SiteUrl
    language: Language = "en"
    timezone: TimeZone = "UTC"
    contact: Contact | None = None
    data_dir: PathText = "data"
    templates: PathText | None = None


class PollTable(Table):
    min_interval: Duration = timedelta(minutes=30)
    max_interval: Duration = timedelta(hours=24)
    timeout: Duration = timedelta(seconds=30)
    max_bytes: Size = 15_000_000
    host_spacing: DurationOrZero = timedelta(seconds=2)
    concurrency: Transfers = 32
    workers: Literal["processes", "inline"] = "processes"
    allow_networks: list[Cidr] = []

    @model_validator(mode="after")
    def _intervals_in_order(self) -> Self:
        if self.min_interval <= self.max_interval:
            return self
        key = "min_interval" if "min_interval" in self.model_fields_set else "max_interval"
        raise _key_error(key, "min_interval is longer than max_interval; it has to be the shorter one (or the same)")


class DkimTable(Table):
    domain: DomainName | None = None
    selector: Selector
    key_file: PathText
    ed25519_selector: Selector | None = None
    ed25519_key_file: PathText | None = None


class BouncesTable(Table):
    address: BounceAddress
    listen: ListenForMail | None = None


class MailTable(Table):
    sender: Mailbox = Field(alias="from")
    reply_to: Mailbox | None = None
    postal_address: PostalAddress | None = None
    transport: Way
    password_env: Variable | None = None
    password_file: PathText | None = None
    rate: Rate | None = None
    domain_rate: Rate | None = None
    domain_connections: Connections | None = None
    connections: Connections = 4
    on_uncertain: Literal["resend", "hold"] = "resend"
    stale_after: Duration = timedelta(days=3)
    dkim: DkimTable | None = None
    bounces: BouncesTable | None = None

    @model_validator(mode="after")
    def _one_password_for_one_user(self) -> Self:
        if self.password_env and self.password_file:
            raise _key_error("password_file", "password_env is set as well; keep one of the two")
        given = self.password_env or self.password_file
        if given and not self.transport.username and self.transport.kind not in ("file", "sendmail"):
            raise _key_error("transport", 'names no user for the password; write "smtps://user@mail.example.org"')
        if self.transport.username and not given:
            raise _key_error("transport", "names a user without a password; add password_env or password_file")
        if self.transport.username and self.transport.kind == "smtp" and self.transport.host not in THIS_MACHINE:
            raise _key_error(
                "transport",
                "would tell the password to another machine unencrypted, which is never done; "
                'write "smtp+starttls://…" or "smtps://…", as the mail server has it',
            )
        return self


class FeedTable(Table):
    limit: Count = 100
    content: Etiquette = "full"


class WebTable(Table):
    listen: Listen = WebSettings(host="127.0.0.1", port=8000)
    public: bool = False
    trusted_proxies: list[Cidr] = []


class StoreTable(Table):
    keep: Keep = timedelta(days=365)


class EditionTable(Table):
    name: Slug
    title: Line | None = None
    schedule: When
    timezone: TimeZone | None = None
    language: Language | None = None
    late_up_to: DurationOrZero | None = None
    review: DurationOrZero = timedelta()
    tags: list[Line] = []
    sources: list[Line] = []
    include: list[Choice] = []
    exclude: list[Choice] = []
    grace: DurationOrZero = timedelta()
    min_posts: Count = 1
    max_posts: Count = 50
    max_per_source: Count | None = None
    carry_over: bool = True
    backfill: CountOrZero = 3
    order: Order = "time"
    group_by: Literal["tag", "source", "day"] | None = None
    lead: bool = False
    content: Etiquette | None = None
    excerpt_length: Count = 500
    updates: bool = False
    look: Slug = "letter"
    subject: Line | None = None
    signup: bool = False
    subscribers: list[Reader] = []


class SourceTable(Table):
    url: Url
    name: Line | None = None
    tags: list[Line] = []
    every: Duration | None = None
    max_posts: Count | None = None
    weight: Weight = 1
    content: Etiquette | None = None
    publish: bool | None = None
    include: list[Choice] = []
    exclude: list[Choice] = []
    user_agent: UserAgent | None = None
    headers: Headers = ()
    username: UserName | None = None
    password_env: Variable | None = None
    disabled: bool = False


class Document(Table):
    """The whole file. `[mail]` may be absent; then nothing can be sent."""

    site: SiteTable
    poll: PollTable = PollTable()
    mail: MailTable | None = None
    feed: FeedTable = FeedTable()
    web: WebTable = WebTable()
    store: StoreTable = StoreTable()
    editions: list[EditionTable] = []
    sources: list[SourceTable] = []


SINGLE_TABLES: dict[str, type[Table]] = {
    "site": SiteTable,
    "poll": PollTable,
    "mail": MailTable,
    "mail.dkim": DkimTable,
    "mail.bounces": BouncesTable,
    "feed": FeedTable,
    "web": WebTable,
    "store": StoreTable,
}
REPEATED_TABLES: dict[str, type[Table]] = {"editions": EditionTable, "sources": SourceTable}
TABLES: dict[str, type[Table]] = SINGLE_TABLES | REPEATED_TABLES


def keys_of(table: str) -> list[str]:
    """The keys of a table as the file spells them, in order, without tables of their own; none for a table that does
    not exist."""
    if table not in TABLES:
        return []
    keys = [field.alias or name for name, field in TABLES[table].model_fields.items()]
    return [key for key in keys if f"{table}.{key}" not in TABLES]


def table_of(path: KeyPath) -> str:
    """The name of the table that a place of the file is in: "mail.dkim" for what is below that, else its first step."""
    below = ".".join(map(str, path[:2]))
    return below if below in TABLES else str(path[0])


def header(table: str) -> str:
    """The table's name as the file writes it."""
    return f"[[{table}]]" if table in REPEATED_TABLES else f"[{table}]"


def _key_error(key: str, message: str) -> PydanticCustomError:
    """An error of a whole table that belongs to one of its keys; `problems` reads the key from the context."""
    return PydanticCustomError("key_error", "{message}", {"key": key, "message": message})
