"""The digest pipe on a real database, with transports that fail as scripted."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier

import pytest

from tests.builders import edition, schedule
from tests.stocking import blog, configure, edit, only, post, receive, scalar
from tests.transports import ACCEPTED, LATER, NEVER, Clock, Killed, RecordingTransport
from tidings import deliver, digest, letters
from tidings.editions.compose import Masthead
from tidings.errors import MailError
from tidings.model import Edition, IssueContent, Receipt, Source, Subscriber
from tidings.store import Store, file_readers, issues, open_store, posts, resolving, site
from tidings.store.deliveries import Tally
from tidings.store.posts import PostQuery

MASTHEAD = Masthead("Planet", "https://planet.example")
READERS = ("ann@readers.example", "bob@readers.example", "cyd@readers.example", "dee@readers.example")
A, B = blog("a"), blog("b")
SOURCES = (A, B)
DAILY = edition(timezone="UTC", subscribers=tuple(map(Subscriber, READERS)))
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIRST_SLOT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(START + HOUR)


@pytest.fixture
def stocked(store: Store) -> Store:
    """Two sources, read empty at first, then two posts of the first one."""
    configure(store, *SOURCES, editions=[DAILY])
    receive(store, A)
    receive(store, B)
    receive(store, A, post(1), post(2))
    return store


def freeze(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> IssueContent | None:
    return digest.freeze_next(store, one, SOURCES, MASTHEAD, mail.office(), clock())


def freeze_due(
    store: Store, now: datetime, one: Edition = DAILY, sources: Sequence[Source] = SOURCES
) -> IssueContent | None:
    return digest.freeze_due(store, one, sources, MASTHEAD, RecordingTransport().office(), now)


def send(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> deliver.Dispatch:
    """What `tidings send` does."""
    freeze(store, mail, clock, one)
    return deliver.deliver(store, one, mail.office(), clock.pace())


def test_no_message_id_can_be_worked_out(stocked: Store, clock: Clock) -> None:
    """A frozen issue's Message-IDs hold the secret of the database: who knows all else does not know them."""
    mail = RecordingTransport()
    content = freeze(stocked, mail, clock)
    assert content is not None
    stored = [row["message_id"] for row in stocked.rows("SELECT message_id FROM deliveries ORDER BY id")]
    assert stored == [letters.message_id(content, mail.office(), one, site.secret(stocked)) for one in READERS]
    assert not {letters.message_id(content, mail.office(), one) for one in READERS} & set(stored)


def send_due(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> deliver.Dispatch:
    """What the daemon does of deliveries at each tick."""
    return deliver.deliver_due(store, one, mail.office(), clock.pace())


# ------------------------------------------------------------------------------------------------------- delivering


def test_every_reader_gets_the_issue_once(stocked: Store, clock: Clock) -> None:
    """Each subscriber gets one message, to them alone, with a Message-ID of its own."""
    mail = RecordingTransport()
    dispatch = send(stocked, mail, clock)
    assert (dispatch.tally, dispatch.sent, dispatch.in_doubt) == (Tally(accepted=4), 4, ())
    assert mail.recipients == list(READERS)
    assert [letter.parsed["To"] for letter in mail.letters] == list(READERS)
    assert len({letter.identity for letter in mail.letters}) == 4
    assert all(b"Post 1" in letter.message and b"Post 2" in letter.message for letter in mail.letters)


def test_an_issue_settles_what_it_carried(stocked: Store, clock: Clock) -> None:
    """The next one need not look at it again."""
    freeze(stocked, RecordingTransport(), clock)
    newest = scalar(stocked, "SELECT max(id) FROM posts")
    assert scalar(stocked, "SELECT min(settled_id) FROM edition_sources WHERE edition = 'daily'") == newest


def test_a_second_send_sends_nothing(stocked: Store, clock: Clock) -> None:
    """With nothing new there is neither an issue nor a message."""
    mail = RecordingTransport()
    send(stocked, mail, clock)
    assert freeze(stocked, mail, clock) is None
    assert deliver.deliver(stocked, DAILY, mail.office(), clock.pace()) == deliver.Dispatch(Tally())
    assert send_due(stocked, mail, clock) == deliver.Dispatch(Tally())
    assert len(mail.letters) == 4


def test_a_refused_reader_is_final_and_stops_nobody(stocked: Store, clock: Clock) -> None:
    """One refusal is recorded; the others get theirs, and the refused one is never tried again."""
    mail = RecordingTransport({READERS[1]: [NEVER]})
    assert send(stocked, mail, clock).tally == Tally(accepted=3, rejected=1)
    clock.now += 30 * DAY
    send_due(stocked, mail, clock)
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.tries[READERS[1]] == 1
    assert sorted(mail.recipients) == sorted({*READERS} - {READERS[1]})


def test_a_deferred_reader_is_tried_later_and_later_and_given_up(stocked: Store, clock: Clock) -> None:
    """Tries follow the ladder of 5 min, 15 min, 1 h, 4 h, 12 h and 12 h again, not a second earlier; after two days it
    is over."""
    mail = RecordingTransport({READERS[0]: [LATER] * 99})
    send(stocked, mail, clock)
    for tries, pause in enumerate((5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, *[12 * HOUR] * 4), 1):
        clock.now += pause - timedelta(seconds=1)
        assert send_due(stocked, mail, clock).sent == 0
        assert mail.tries[READERS[0]] == tries
        clock.now += timedelta(seconds=1)
        assert send_due(stocked, mail, clock).sent == 1
    assert mail.tries == dict.fromkeys(READERS, 1) | {READERS[0]: 9}
    assert (
        scalar(stocked, "SELECT reply FROM deliveries WHERE state = 'rejected'") == "given up after 9 tries: 451 later"
    )
    clock.now += 30 * DAY
    assert send_due(stocked, mail, clock) == deliver.Dispatch(Tally())


def test_sending_by_hand_again_and_again_gives_nobody_up(stocked: Store, clock: Clock) -> None:
    """An operator who runs the command ten times in a row does not use up a greylisted reader's chances."""
    mail = RecordingTransport({READERS[0]: [LATER] * 10})
    send(stocked, mail, clock)
    for _ in range(10):
        deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.recipients.count(READERS[0]) == 1


def test_a_deferred_reader_gets_the_message_when_it_is_taken(stocked: Store, clock: Clock) -> None:
    """A reader whose server says later, and then takes it, gets it once, under the same Message-ID."""
    mail = RecordingTransport({READERS[2]: [LATER, LATER]})
    send(stocked, mail, clock)
    for _ in range(20):
        clock.now += 10 * MINUTE
        send_due(stocked, mail, clock)
    assert Counter(mail.recipients) == dict.fromkeys(READERS, 1)
    assert mail.tries[READERS[2]] == 3


def test_a_server_that_fails_midway_leaves_the_rest_due(stocked: Store, clock: Clock) -> None:
    """When the server as a whole fails at the third message, the rest stay due; later they are sent, nobody twice."""
    mail = RecordingTransport({READERS[2]: [MailError("down"), MailError("down")]})
    with pytest.raises(MailError):
        send(stocked, mail, clock)
    assert mail.recipients == list(READERS[:2])
    with pytest.raises(MailError):
        deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    dispatch = deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert (dispatch.tally, dispatch.sent, dispatch.in_doubt) == (Tally(accepted=4), 2, ())
    assert mail.recipients == list(READERS)
    assert scalar(stocked, "SELECT max(attempts) FROM deliveries") == 1


def test_a_failing_server_is_asked_less_and_less(stocked: Store, clock: Clock) -> None:
    """Ticks every minute for a day without a server: it is asked after five minutes first, at last once an hour; when
    it is back, all get their mail, and the pauses start over."""
    mail = RecordingTransport(down=True)
    freeze(stocked, mail, clock)
    begun, asked = clock.now, []
    while clock.now < begun + DAY:
        try:
            send_due(stocked, mail, clock)
        except MailError:
            asked.append(clock.now - begun)
        clock.now += MINUTE
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:5] == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, HOUR]
    assert set(pauses[4:]) == {HOUR}
    mail.down = False
    clock.now += HOUR
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    assert scalar(stocked, "SELECT failures FROM issues") == 0


def test_a_server_down_for_months_is_still_asked(stocked: Store, clock: Clock) -> None:
    """However often the server has failed, the next failure is one too, and not a number too large."""
    mail = RecordingTransport(down=True)
    freeze(stocked, mail, clock)
    issues.record_trouble(stocked, [1], None, 5000)
    with pytest.raises(MailError):
        send_due(stocked, mail, clock)
    clock.now += HOUR - timedelta(seconds=1)
    assert send_due(stocked, mail, clock).sent == 0
    mail.down = False
    clock.now += timedelta(seconds=1)
    assert send_due(stocked, mail, clock).sent == 4


def test_stop_ends_between_two_messages(stocked: Store, clock: Clock) -> None:
    """Told to stop, a pass finishes the message in hand and leaves the others due; the next pass sends them."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    dispatch = deliver.deliver(stocked, DAILY, mail.office(), clock.pace(stop=lambda: len(mail.letters) >= 2))
    assert (dispatch.tally, dispatch.sent, dispatch.in_doubt) == (Tally(accepted=2, pending=2), 2, ())
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.recipients == list(READERS)


def test_an_unfinished_issue_is_finished_before_another_is_made(stocked: Store, clock: Clock) -> None:
    """Run again after an interruption, a send mails the rest and makes no second issue; the run after that makes it."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace(stop=lambda: len(mail.letters) >= 2))
    receive(stocked, A, post(3))
    assert freeze(stocked, mail, clock) is None
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.recipients == list(READERS)
    assert freeze(stocked, mail, clock) is not None


def test_one_reader_put_off_does_not_hold_the_next_issue_up(stocked: Store, clock: Clock) -> None:
    """A deferred delivery is tried again on its own; the next issue does not wait for it."""
    mail = RecordingTransport({READERS[0]: [LATER] * 9})
    send(stocked, mail, clock)
    receive(stocked, A, post(3))
    assert freeze(stocked, mail, clock) is not None


def test_a_process_that_dies_again_and_again_does_not_mail_one_reader_each_time(stocked: Store, clock: Clock) -> None:
    """What is in doubt comes last, so a crash loop gets through the others instead of repeating the first."""
    mail = RecordingTransport({reader: [Killed()] for reader in READERS})
    freeze(stocked, mail, clock)
    for _ in READERS:
        with pytest.raises(Killed):
            deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.recipients == list(READERS)


def test_doubt_outlasts_a_deferral(stocked: Store, clock: Clock) -> None:
    """A message in doubt that is put off when sent again is still named as in doubt when it is taken at last."""
    mail = RecordingTransport({READERS[0]: [Killed(), LATER]})
    freeze(stocked, mail, clock)
    with pytest.raises(Killed):
        deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert deliver.deliver(stocked, DAILY, mail.office(), clock.pace()).in_doubt == ()
    clock.now += HOUR
    dispatch = send_due(stocked, mail, clock)
    assert [delivery.address for delivery in dispatch.in_doubt] == [READERS[0]]


def test_a_lost_answer_leaves_the_message_in_doubt(stocked: Store, clock: Clock) -> None:
    """When the connection breaks after the text was handed over, the message is tried again later and named."""
    mail = RecordingTransport({READERS[0]: [Receipt("uncertain", "lost")]})
    assert send(stocked, mail, clock).tally == Tally(accepted=3, uncertain=1)
    assert send_due(stocked, mail, clock).sent == 0
    clock.now += HOUR
    assert [one.address for one in send_due(stocked, mail, clock).in_doubt] == [READERS[0]]


def test_stop_during_a_pause_sends_no_further_message(stocked: Store, clock: Clock) -> None:
    """Told to stop while waiting for its turn, a pass does not send the message it waited for."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    pace = clock.pace(stop=lambda: bool(clock.pauses))
    assert deliver.deliver(stocked, DAILY, mail.office(rate=2), pace).sent == 1
    assert mail.recipients == [READERS[0]]


def test_the_rate_is_kept_between_messages(stocked: Store, clock: Clock) -> None:
    """There is a pause between every two messages, also of different issues, and none before the first or without a
    rate."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    receive(stocked, A, post(3))
    clock.now = FIRST_SLOT
    freeze_due(stocked, clock.now)
    deliver.deliver(stocked, DAILY, mail.office(rate=4), clock.pace())
    assert clock.pauses == [0.25] * 7
    receive(stocked, A, post(4))
    send(stocked, mail, clock)
    assert len(clock.pauses) == 7


def test_who_is_no_subscriber_any_more_is_not_mailed(stocked: Store, clock: Clock) -> None:
    """A reader removed after freezing gets nothing, and who was added since is not in this issue."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    changed = replace(DAILY, subscribers=tuple(map(Subscriber, (*READERS[1:], "new@readers.example"))))
    file_readers.sync(stocked, [changed], clock())
    dispatch = deliver.deliver(stocked, changed, mail.office(), clock.pace())
    assert (dispatch.tally, dispatch.sent, dispatch.in_doubt) == (Tally(accepted=3, suppressed=1), 3, ())
    assert mail.recipients == list(READERS[1:])
    file_readers.sync(stocked, [DAILY], clock())
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert mail.recipients == list(READERS[1:])


def test_an_address_written_in_another_case_is_the_same_reader(stocked: Store, clock: Clock) -> None:
    """Capitals in an address make no new reader and lose none."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    shouting = replace(DAILY, subscribers=tuple(Subscriber(reader.upper()) for reader in READERS))
    file_readers.sync(stocked, [shouting], clock())
    assert deliver.deliver(stocked, shouting, mail.office(), clock.pace()).tally == Tally(accepted=4)


def test_a_message_in_doubt_is_named_and_keeps_its_identity(stocked: Store, clock: Clock) -> None:
    """After a death in the middle of a message, that one is named and sent again under the same Message-ID, also when
    the sender's address was changed meanwhile; nobody else hears twice."""
    mail = RecordingTransport({READERS[1]: [Killed()]})
    freeze(stocked, mail, clock)
    with pytest.raises(Killed):
        deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    office = mail.office(sender="digest@other.example")
    dispatch = deliver.deliver(stocked, DAILY, office, clock.pace())
    [doubtful] = dispatch.in_doubt
    assert doubtful.address == READERS[1]
    assert dispatch.tally == Tally(accepted=4)
    assert Counter(mail.recipients) == dict.fromkeys(READERS, 1) | {READERS[1]: 2}
    identities = {letter.identity for letter in mail.letters if letter.recipient == READERS[1]}
    assert identities == {doubtful.message_id}
    assert deliver.deliver(stocked, DAILY, office, clock.pace()).in_doubt == ()


def test_a_message_in_doubt_is_not_forgotten_while_the_server_is_down(stocked: Store, clock: Clock) -> None:
    """Death, then a failing server: the message is named when it is sent at last."""
    mail = RecordingTransport({READERS[0]: [Killed(), MailError("down"), MailError("down")]})
    freeze(stocked, mail, clock)
    with pytest.raises(Killed):
        deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    for _ in range(2):
        with pytest.raises(MailError):
            deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    dispatch = deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert [delivery.address for delivery in dispatch.in_doubt] == [READERS[0]]
    assert "may have come already" in scalar(stocked, "SELECT reply FROM deliveries ORDER BY id")


def test_a_death_at_any_message_mails_at_most_that_one_twice(stocked: Store, clock: Clock) -> None:
    """Dying once at each message in turn, every reader still gets the issue, and each copy has the same Message-ID."""
    mail = RecordingTransport({reader: [Killed()] for reader in READERS})
    freeze(stocked, mail, clock)
    for _ in READERS:
        with pytest.raises(Killed):
            deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    assert Counter(mail.recipients) == dict.fromkeys(READERS, 2)
    assert len({letter.identity for letter in mail.letters}) == len(READERS)


def test_an_edit_after_freezing_does_not_change_the_mail(stocked: Store, clock: Clock) -> None:
    """What is mailed is what was frozen, to the last reader, whatever the blog says by then."""
    mail = RecordingTransport({READERS[3]: [LATER]})
    freeze(stocked, mail, clock)
    edit(
        stocked,
        A,
        only(stocked, words='"Post 1"'),
        title="Rewritten",
        text="Rewritten",
        content_html="<p>Rewritten</p>",
    )
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace())
    clock.now += HOUR
    send_due(stocked, mail, clock)
    assert mail.recipients == list(READERS)
    assert all(b"Post 1" in letter.message and b"Rewritten" not in letter.message for letter in mail.letters)


def test_an_edition_without_readers_has_issues_all_the_same(stocked: Store, clock: Clock) -> None:
    """Its issues go into the archive, and its stories count as carried."""
    nobody = replace(DAILY, subscribers=())
    file_readers.sync(stocked, [nobody], clock())
    mail = RecordingTransport()
    assert send(stocked, mail, clock, nobody) == deliver.Dispatch(Tally())
    assert [stored.content.number for stored in issues.frozen(stocked)] == [1]
    assert freeze(stocked, mail, clock, nobody) is None


def test_two_senders_at_once_mail_each_reader_once(stocked: Store, clock: Clock) -> None:
    """A command beside the daemon waits until that one has delivered, and finds nothing left."""
    mail = RecordingTransport()
    together = Barrier(4)

    def run(_: int) -> int:
        with open_store(stocked.path) as mine:
            together.wait(20)
            return send(mine, mail, clock).sent

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [0, 0, 0, 4]
    assert sorted(mail.recipients) == sorted(READERS)
    assert scalar(stocked, "SELECT count(*) FROM issues") == 1


# ------------------------------------------------------------------------------------------------------- freezing


def test_a_preview_changes_nothing(stocked: Store, clock: Clock) -> None:
    """A draft is what would be frozen, but for its subject, and can be made any number of times."""
    drafts = [digest.draft(stocked, DAILY, SOURCES, MASTHEAD, clock()) for _ in range(2)]
    assert drafts[0] == drafts[1]
    frozen = freeze(stocked, RecordingTransport(), clock)
    assert frozen is not None
    assert drafts[0] == replace(frozen, subject="")
    assert digest.draft(stocked, DAILY, SOURCES, MASTHEAD, clock()) is None


def test_too_few_posts_wait(stocked: Store, clock: Clock) -> None:
    """Below `min_posts` there is no issue, and no post is lost by waiting."""
    picky = replace(DAILY, min_posts=4)
    mail = RecordingTransport()
    assert freeze(stocked, mail, clock, picky) is None
    receive(stocked, B, post(3))
    assert freeze(stocked, mail, clock, picky) is None
    receive(stocked, A, post(4))
    frozen = freeze(stocked, mail, clock, picky)
    assert frozen is not None
    assert {item.title for item in frozen.items} == {"Post 1", "Post 2", "Post 3", "Post 4"}


def test_what_does_not_fit_comes_with_the_next_issue(stocked: Store, clock: Clock) -> None:
    """More posts than `max_posts` are spread over issues, oldest first, none lost, none twice."""
    small = replace(DAILY, max_posts=3)
    receive(stocked, B, *(post(n) for n in range(3, 9)))
    carried = []
    mail = RecordingTransport()
    while frozen := freeze(stocked, mail, clock, small):
        carried.append(sorted(item.title for item in frozen.items))
        deliver.deliver(stocked, small, mail.office(), clock.pace())
    assert carried == [["Post 1", "Post 2", "Post 3"], ["Post 4", "Post 5", "Post 6"], ["Post 7", "Post 8"]]


TELLING = replace(DAILY, updates=True)


def edit_posts(store: Store, *numbers: int, at: datetime) -> None:
    """The author adds a line to these posts."""
    found = {one.title: one for one in posts.find(store, PostQuery())}
    for number in numbers:
        one = found[f"Post {number}"]
        edit(store, A, one, at, title=one.title, text=f"{one.text} of the first day.\n\nUpdate: all else is wrong.")


def test_an_edited_post_is_told_of_once(stocked: Store, clock: Clock) -> None:
    """The next issue that has a story of its own ends with it, in mail and preview alike; no later one does, whatever
    is edited."""
    mail = RecordingTransport()
    send(stocked, mail, clock, TELLING)
    edit_posts(stocked, 1, at=clock() + HOUR)
    clock.now += DAY
    assert freeze(stocked, mail, clock, TELLING) is None
    receive(stocked, A, post(3), now=clock())
    preview = digest.draft(stocked, TELLING, SOURCES, MASTHEAD, clock())
    frozen = freeze(stocked, mail, clock, TELLING)
    assert frozen is not None
    assert replace(frozen, subject="") == preview
    assert [item.title for item in frozen.items] == ["Post 3"]
    [told] = frozen.updates
    assert (told.title, told.words_added) == ("Post 1", 9)
    assert issues.frozen(stocked)[0].content == frozen
    deliver.deliver(stocked, TELLING, mail.office(), clock.pace())
    assert b"Updated" in mail.letters[-1].message
    edit_posts(stocked, 1, 2, at=clock() + HOUR)
    receive(stocked, A, post(4), now=clock() + HOUR)
    clock.now += DAY
    last = freeze(stocked, mail, clock, TELLING)
    assert last is not None
    assert [item.title for item in last.updates] == ["Post 2"]


def test_updates_that_do_not_fit_come_with_the_next_issues(stocked: Store, clock: Clock) -> None:
    """Of twelve edits each issue tells of five, the newest first, and none is told of twice; after sixty days the rest
    is old."""
    receive(stocked, A, *(post(number) for number in range(3, 13)))
    mail = RecordingTransport()
    send(stocked, mail, clock, TELLING)
    for number in range(1, 13):
        edit_posts(stocked, number, at=clock() + number * MINUTE)
    told = []
    for number in (21, 22, 61):
        receive(stocked, A, post(number), now=clock())
        clock.now = START + timedelta(days=number)
        frozen = freeze(stocked, mail, clock, TELLING)
        assert frozen is not None
        told.append([item.title.removeprefix("Post ") for item in frozen.updates])
        deliver.deliver(stocked, TELLING, mail.office(), clock.pace())
    assert told == [["12", "11", "10", "9", "8"], ["7", "6", "5", "4", "3"], []]


def test_an_issue_that_fails_to_freeze_has_told_of_nothing(stocked: Store, clock: Clock) -> None:
    """Updates are recorded in the transaction of their issue, or not at all."""
    send(stocked, RecordingTransport(), clock, TELLING)
    edit_posts(stocked, 1, at=clock() + HOUR)
    receive(stocked, A, post(3), now=clock() + HOUR)
    clock.now += DAY
    broken = "CREATE TEMP TRIGGER broken BEFORE INSERT ON deliveries BEGIN SELECT raise(ABORT, 'broken'); END"
    stocked.conn.execute(broken)
    with pytest.raises(sqlite3.IntegrityError):
        freeze(stocked, RecordingTransport(), clock, TELLING)
    stocked.conn.execute("DROP TRIGGER broken")
    assert scalar(stocked, "SELECT count(*) FROM issue_updates") == 0
    frozen = freeze(stocked, RecordingTransport(), clock, TELLING)
    assert frozen is not None
    assert len(frozen.updates) == 1


@pytest.mark.parametrize("edits", [(), (1, 2)])
def test_an_edition_that_does_not_ask_is_told_of_no_edit(stocked: Store, clock: Clock, edits: tuple[int, ...]) -> None:
    """Its mail is the same to the byte whether earlier posts were edited or not, as is that of an edition that asks
    when none was."""
    send(stocked, RecordingTransport(), clock)
    receive(stocked, A, post(3), now=clock())
    clock.now += DAY
    asking = digest.draft(stocked, TELLING, SOURCES, MASTHEAD, clock())
    edit_posts(stocked, *edits, at=clock() - HOUR)
    plain = digest.draft(stocked, DAILY, SOURCES, MASTHEAD, clock())
    assert plain is not None
    assert asking is not None
    office = RecordingTransport().office()
    assert letters.render(plain, office) == letters.render(asking, office)
    assert "Updated" not in letters.render(plain, office).text


def test_an_edition_set_up_under_a_wrong_clock_is_not_silent(store: Store) -> None:
    """A clock that stood in the future when the edition came to be does not hold its issues back until then."""
    configure(store, A, editions=[DAILY], now=START + 3650 * DAY)
    receive(store, A, post(1))
    configure(store, A, editions=[DAILY], now=START)
    assert freeze_due(store, FIRST_SLOT) is not None


def test_slots_before_the_edition_have_no_issue(stocked: Store) -> None:
    """Set up at noon, a daily edition for 08:00 has its first issue the next morning."""
    assert freeze_due(stocked, START) is None
    assert freeze_due(stocked, FIRST_SLOT - timedelta(seconds=1)) is None
    frozen = freeze_due(stocked, FIRST_SLOT)
    assert frozen is not None
    assert frozen.number == 1


def test_a_slot_has_one_issue(stocked: Store) -> None:
    """After its issue a slot is done, whatever comes in; the next day's issue has it."""
    assert freeze_due(stocked, FIRST_SLOT) is not None
    receive(stocked, A, post(3))
    for later in (timedelta(), MINUTE, 23 * HOUR + 59 * MINUTE):
        assert freeze_due(stocked, FIRST_SLOT + later) is None
    frozen = freeze_due(stocked, FIRST_SLOT + DAY)
    assert frozen is not None
    assert [item.title for item in frozen.items] == ["Post 3"]


def test_a_slot_with_nothing_new_is_done(stocked: Store) -> None:
    """A morning without news has no issue, and what comes at noon waits for the next morning."""
    assert freeze_due(stocked, FIRST_SLOT) is not None
    assert freeze_due(stocked, FIRST_SLOT + DAY) is None
    receive(stocked, A, post(3))
    assert freeze_due(stocked, FIRST_SLOT + DAY + HOUR) is None
    assert freeze_due(stocked, FIRST_SLOT + 2 * DAY) is not None


def test_after_an_outage_there_is_one_issue(stocked: Store) -> None:
    """Three days asleep make one issue with everything, not three."""
    receive(stocked, B, post(3))
    awake = FIRST_SLOT + 3 * DAY + HOUR
    frozen = freeze_due(stocked, awake)
    assert frozen is not None
    assert len(frozen.items) == 3
    receive(stocked, B, post(4))
    for hours in range(22):
        assert freeze_due(stocked, awake + hours * HOUR) is None
    assert freeze_due(stocked, FIRST_SLOT + 4 * DAY) is not None


def test_a_clock_set_back_makes_no_second_issue(stocked: Store) -> None:
    """With the clock back before the slot, and then past it again, the slot is still done."""
    assert freeze_due(stocked, FIRST_SLOT + 3 * HOUR) is not None
    receive(stocked, A, post(3))
    for minutes in range(-120, 120, 7):
        assert freeze_due(stocked, FIRST_SLOT + minutes * MINUTE) is None


def test_the_hour_that_comes_twice_has_one_issue(store: Store) -> None:
    """When clocks go back over the slot, the repeated hour brings no second issue."""
    night = replace(DAILY, schedule=schedule(hours={2}, minutes={30}), timezone="Europe/Berlin")
    configure(store, A, editions=[night], now=datetime(2026, 10, 24, 12, tzinfo=UTC))
    receive(store, A)
    receive(store, A, post(0))
    change = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert freeze_due(store, change, night, [A]) is not None
    receive(store, A, post(1))
    assert freeze_due(store, change + HOUR, night, [A]) is None
    assert freeze_due(store, change + 24 * HOUR, night, [A]) is None
    assert freeze_due(store, change + 25 * HOUR, night, [A]) is not None


def test_a_schedule_that_never_comes_has_no_issue(stocked: Store) -> None:
    """30 February is no error, just never."""
    never = replace(DAILY, schedule=schedule(days={30}, months={2}))
    assert freeze_due(stocked, START + 4000 * DAY, never) is None


def test_the_issue_is_frozen_at_its_slot_while_the_server_is_down(stocked: Store, clock: Clock) -> None:
    """Without a mail server the issue is frozen all the same; what comes in before it is delivered is not in it."""
    mail = RecordingTransport(down=True)
    clock.now = FIRST_SLOT
    assert freeze_due(stocked, clock.now) is not None
    with pytest.raises(MailError):
        send_due(stocked, mail, clock)
    receive(stocked, A, post(3))
    mail.down = False
    clock.now += HOUR
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    assert not any(b"Post 3" in letter.message for letter in mail.letters)


def test_two_daemons_freeze_one_issue_for_a_slot(stocked: Store) -> None:
    """However many processes tick at the same moment, a slot has one issue."""
    together = Barrier(6)

    def tick(_: int) -> bool:
        with open_store(stocked.path) as mine:
            together.wait(20)
            return freeze_due(mine, FIRST_SLOT) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(tick, range(6))) == [False] * 5 + [True]
    assert scalar(stocked, "SELECT count(*) FROM issues") == 1


# ------------------------------------------------------------------------------------------------------- a month


@pytest.mark.parametrize("seed", range(3))
def test_a_month_carries_each_story_once_to_each_reader(store: Store, seed: int) -> None:
    """Thirty random days: posts and copies come in at any hour, polls and ticks at any time, servers fail, readers say
    later, the process dies, the machine sleeps. At the end every story was in exactly one issue, and every reader has
    every issue, twice only where the database named it as in doubt."""
    chance = random.Random(seed)
    sources = tuple(blog(f"s{n}") for n in range(5))
    configure(store, *sources, editions=[DAILY], now=START)
    for one in sources:
        receive(store, one)
    clock, mail, doubtful, numbers = Clock(START), RecordingTransport(), Counter[str](), iter(range(10_000))
    while clock.now < START + 30 * DAY:
        clock.now += timedelta(minutes=chance.choice([10, 60, 300, 3000]))
        for _ in range(chance.randrange(3)):
            arrivals = (arrival(chance, next(numbers)) for _ in range(chance.randrange(4)))
            receive(store, chance.choice(sources), *arrivals, now=clock.now)
        doubtful += tick(store, mail, clock, sources, chance)
    mail.answers, mail.down = {}, False
    for _ in range(180):
        clock.now += 8 * HOUR
        freeze_due(store, clock.now, DAILY, sources)
        send_due(store, mail, clock)
    frozen = issues.frozen(store)
    for stored in frozen:  # what was in doubt twice, or never begun in three days, waits for the operator
        resolving.resolve(store, stored, (), "send", clock.now)
    send_due(store, mail, clock)
    carried = Counter(item.story for stored in frozen for item in stored.content.items)
    assert carried == dict.fromkeys((row["story"] for row in store.rows("SELECT DISTINCT story FROM posts")), 1)
    assert len(frozen) <= 32
    copies = Counter(letter.identity for letter in mail.letters)
    expected = {
        row["message_id"]: 1 for row in store.rows("SELECT message_id FROM deliveries WHERE state = 'accepted'")
    }
    assert copies == Counter(expected) + doubtful
    assert set(scalar_column(store, "SELECT state FROM deliveries")) <= {"accepted", "rejected"}
    assert len(scalar_column(store, "SELECT id FROM deliveries")) == len(frozen) * len(READERS)


def arrival(chance: random.Random, number: int):  # type: ignore[no-untyped-def]
    """A new post, dated anywhen, half of them with a URL that other sources may have too."""
    dated = None if chance.random() < 0.3 else START + timedelta(days=chance.uniform(-400, 60))
    shared = f"https://x.example/{chance.randrange(60)}" if chance.random() < 0.5 else ""
    return post(number, published=dated, story_url=shared)


def tick(
    store: Store, mail: RecordingTransport, clock: Clock, sources: Sequence[Source], chance: random.Random
) -> Counter[str]:
    """One tick of the daemon in bad weather; returns the Message-ID that it left in doubt, if it died."""
    mail.down = chance.random() < 0.2
    weather: list[Receipt | BaseException] = [ACCEPTED, ACCEPTED, ACCEPTED, LATER, MailError("down"), Killed()]
    mail.answers, mail.tries = {reader: [chance.choice(weather)] for reader in READERS}, {}
    freeze_due(store, clock.now, DAILY, sources)
    try:
        send_due(store, mail, clock)
    except MailError:
        return Counter()
    except Killed:
        return Counter([mail.letters[-1].identity])
    return Counter()


def scalar_column(store: Store, sql: str) -> list[object]:
    return [row[0] for row in store.rows(sql)]
