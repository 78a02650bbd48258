"""The digest pipe where something keeps an issue from being sent: review, and a hold in the middle of deliveries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import edition
from tests.stocking import blog, configure, post, receive, scalar
from tests.transports import LATER, Clock, RecordingTransport
from tidings import deliver, digest
from tidings.editions.compose import Masthead
from tidings.errors import MailError
from tidings.model import Edition, IssueContent, Receipt, Subscriber
from tidings.store import Store, issue_states
from tidings.store.deliveries import Tally

READERS = tuple(f"{name}@readers.example" for name in ("ann", "bob", "cyd", "dee"))
A = blog("a")
DAILY = edition(timezone="UTC", subscribers=tuple(map(Subscriber, READERS)))
REVIEWED = replace(DAILY, review=timedelta(hours=2))
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIRST_SLOT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(START + HOUR)


@pytest.fixture
def stocked(store: Store) -> Store:
    configure(store, A, editions=[DAILY])
    receive(store, A)
    receive(store, A, post(1), post(2))
    return store


def freeze(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> IssueContent | None:
    return digest.freeze_next(store, one, [A], Masthead("Planet", "https://planet.example"), mail.office(), clock())


def send(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> deliver.Dispatch:
    """What `tidings send` does."""
    freeze(store, mail, clock, one)
    return deliver.deliver(store, one, mail.office(), clock.pace())


def send_due(store: Store, mail: RecordingTransport, clock: Clock, one: Edition = DAILY) -> deliver.Dispatch:
    """What the daemon does at each tick."""
    return deliver.deliver_due(store, one, mail.office(), clock.pace())


def test_a_review_is_waited_for_to_the_minute(stocked: Store, clock: Clock) -> None:
    """Neither a send by hand nor the daemon's ticks mail an issue before its time; then each reader gets it once."""
    mail = RecordingTransport()
    assert send(stocked, mail, clock, REVIEWED) == deliver.Dispatch(Tally())
    clock.now += 2 * HOUR - MINUTE
    assert send_due(stocked, mail, clock, REVIEWED) == deliver.Dispatch(Tally())
    assert send(stocked, mail, clock, REVIEWED) == deliver.Dispatch(Tally())
    clock.now += MINUTE
    assert send_due(stocked, mail, clock, REVIEWED).tally == Tally(accepted=4)
    assert send_due(stocked, mail, clock, REVIEWED).sent == 0
    assert mail.recipients == list(READERS)


def test_a_send_by_hand_after_a_review_mails_the_issue(stocked: Store, clock: Clock) -> None:
    """It needs no daemon."""
    mail = RecordingTransport()
    send(stocked, mail, clock, REVIEWED)
    clock.now += 2 * HOUR
    assert send(stocked, mail, clock, REVIEWED).tally == Tally(accepted=4)


def test_no_issue_is_made_by_hand_while_one_is_in_review(stocked: Store, clock: Clock) -> None:
    """Nobody wants two at once; once the first has gone the next may be made."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock, REVIEWED)
    receive(stocked, A, post(3))
    assert freeze(stocked, mail, clock, REVIEWED) is None
    issue_states.release(stocked, 1, clock())
    send_due(stocked, mail, clock, REVIEWED)
    content = freeze(stocked, mail, clock, REVIEWED)
    assert content is not None
    assert [item.title for item in content.items] == ["Post 3"]


def test_without_a_review_an_issue_goes_at_once(stocked: Store, clock: Clock) -> None:
    """As ever; and the review that an issue was frozen with does not change with the file."""
    mail = RecordingTransport()
    assert send(stocked, mail, clock).tally == Tally(accepted=4)
    receive(stocked, A, post(3))
    freeze(stocked, mail, clock, REVIEWED)
    assert send_due(stocked, mail, clock, DAILY).sent == 0


def test_the_schedule_goes_on_while_an_issue_is_held(stocked: Store, clock: Clock) -> None:
    """The held issue stays, the next slots have theirs; released it is mailed, and nobody gets anything twice."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)
    issue_states.hold(stocked, 1, clock())
    receive(stocked, A, post(3))
    clock.now = FIRST_SLOT
    masthead = Masthead("Planet", "https://planet.example")
    content = digest.freeze_due(stocked, DAILY, [A], masthead, mail.office(), clock())
    assert content is not None
    assert (content.number, len(content.items)) == (2, 1)
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    issue_states.release(stocked, 1, clock())
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    assert sorted(mail.recipients) == sorted([*READERS, *READERS])
    assert len({letter.identity for letter in mail.letters}) == 8


def test_an_unfit_issue_is_frozen_but_held(stocked: Store, clock: Clock) -> None:
    """Where nobody is there to read a refusal, its posts are kept and no mail goes out until somebody lets it go."""
    mail = RecordingTransport()
    masthead = Masthead("Planet", "https://planet.example")
    clock.now = FIRST_SLOT + MINUTE
    content = digest.freeze_due(stocked, DAILY, [A], masthead, mail.office(), clock(), lambda _content: False)
    assert content is not None
    assert send_due(stocked, mail, clock).sent == 0
    assert digest.freeze_due(stocked, DAILY, [A], masthead, mail.office(), clock()) is None
    issue_states.release(stocked, 1, clock())
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    assert mail.recipients == list(READERS)


def test_an_unfit_issue_is_not_made_by_hand(stocked: Store, clock: Clock) -> None:
    """It leaves no trace: the next one has its number and its posts."""
    mail = RecordingTransport()
    masthead = Masthead("Planet", "https://planet.example")
    unfit = digest.freeze_next(stocked, DAILY, [A], masthead, mail.office(), clock(), lambda _content: False)
    assert unfit is None
    content = freeze(stocked, mail, clock)
    assert content is not None
    assert (content.number, len(content.items)) == (1, 2)


def test_a_hold_stops_deliveries_that_are_under_way(stocked: Store, clock: Clock) -> None:
    """The message in hand is the last one; after the release the rest get theirs, and nobody twice."""
    mail = RecordingTransport()
    freeze(stocked, mail, clock)

    def hold_at_the_second() -> bool:
        if len(mail.letters) == 2:
            issue_states.hold(stocked, 1, clock())
        return False

    dispatch = deliver.deliver(stocked, DAILY, mail.office(), clock.pace(stop=hold_at_the_second))
    assert (dispatch.tally, dispatch.sent) == (Tally(accepted=2, pending=2), 2)
    assert scalar(stocked, "SELECT count(*) FROM deliveries WHERE state = 'inflight'") == 0
    assert send_due(stocked, mail, clock) == deliver.Dispatch(Tally())
    issue_states.release(stocked, 1, clock())
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)
    assert mail.recipients == list(READERS)


def test_a_reader_put_off_after_a_long_hold_is_tried_again(stocked: Store, clock: Clock) -> None:
    """The two days after which a reader is given up count from the release: held for a week, an issue would else be
    refused at the first greylisting."""
    mail = RecordingTransport({READERS[0]: [LATER]})
    freeze(stocked, mail, clock)
    issue_states.hold(stocked, 1, clock())
    clock.now += 7 * DAY
    issue_states.release(stocked, 1, clock())
    assert send_due(stocked, mail, clock).tally == Tally(accepted=3, deferred=1)
    clock.now += 5 * MINUTE
    assert send_due(stocked, mail, clock).tally == Tally(accepted=4)


def test_a_hold_outlasts_a_failing_server(stocked: Store, clock: Clock) -> None:
    """When the server fails and the issue is held meanwhile, no later tick asks the server again."""
    mail = RecordingTransport({READERS[0]: [MailError("down")]})
    with pytest.raises(MailError):
        send(stocked, mail, clock)
    issue_states.hold(stocked, 1, clock())
    clock.now += DAY
    assert send_due(stocked, mail, clock) == deliver.Dispatch(Tally())
    assert mail.tries == {READERS[0]: 1}


def test_an_issue_is_out_while_a_message_is_in_doubt(stocked: Store, clock: Clock) -> None:
    """A message whose answer was lost may be in a mailbox, so the issue can't be changed any more."""
    mail = RecordingTransport({READERS[0]: [Receipt("uncertain", "lost")]})
    freeze(stocked, mail, clock)
    assert not issue_states.is_out(stocked, 1)
    deliver.deliver(stocked, DAILY, mail.office(), clock.pace(stop=lambda: bool(mail.tries)))
    assert issue_states.is_out(stocked, 1)
