"""What comes back is understood, is never held against the wrong one, and harms nobody who reads it."""

from __future__ import annotations

import random
import time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bounce_cases import CASES, FOLDER, HELD_OUT, ORIGINAL_ID, Case, message
from tests.test_bounces_score import NOON
from tidings.mail.bounces import read
from tidings.mail.bounces_meaning import meaning_of, report_of
from tidings.mail.bounces_score import after, is_dead, sign_of
from tidings.model import Meaning, Report, Returned, ReturnedKind, Score

ALL = CASES | HELD_OUT
KNOWN_GAPS = {"held-mdaemon": "its layout is unknown: the reason is understood, the address not found"}

OUR_FAULT = {"policy", "content-refused", "too-large", "rate-limited"}
ENDS = b"\r\n"
MEGABYTES = 10_000_000


def as_case(returned: Returned) -> Case:
    """What was understood, in the form of what is expected."""
    answers = returned.message_id == ORIGINAL_ID
    if not returned.reports:
        address = returned.recipient if returned.kind == "complaint" else ""
        return Case(returned.kind, address, answers=answers)
    first = returned.reports[0]
    return Case(returned.kind, first.address, first.status, first.meaning, first.permanent, answers)


def accuracy(cases: dict[str, Case]) -> float:
    """The share of messages of which everything is right."""
    return sum(as_case(read(message(name))) == case for name, case in cases.items()) / len(cases)


def test_every_message_of_the_corpus_is_expected_to_be_something() -> None:
    """No file lacks its row, and no row its file, and there are enough of them."""
    assert {path.stem for path in FOLDER.iterdir()} == set(ALL)
    assert len(CASES) >= 70
    assert len(HELD_OUT) >= 25


@pytest.mark.parametrize("name", sorted(ALL.keys() - KNOWN_GAPS.keys()))
def test_a_message_is_understood(name: str) -> None:
    """Kind, address, code, meaning and the message it answers are all right, whatever the line ends."""
    assert as_case(read(message(name))) == ALL[name]
    assert as_case(read(message(name).replace(b"\n", ENDS))) == ALL[name]


def test_accuracy() -> None:
    """At least 98 % of what the rules were written with, and nearly as much of what they had not seen."""
    assert accuracy(CASES) >= 0.98
    assert accuracy(HELD_OUT) >= 0.97


@pytest.mark.parametrize("name", sorted(ALL))
def test_nobody_is_given_up_for_a_reply_or_our_own_fault(name: str) -> None:
    """Replies, challenges, complaints about the sender and policies never add up to a dead address, however many."""
    case, returned = ALL[name], read(message(name))
    if case.meaning is not None and case.meaning not in OUR_FAULT:
        return
    score = Score()
    for issue in range(20):
        for report in returned.reports:
            sign = sign_of(report, issue, at_rcpt=True)
            score = after(score, sign, NOON) if sign else score
    assert not is_dead(score)
    assert score == Score()


def test_several_recipients_have_a_report_each() -> None:
    """One report may fail one recipient and hold another; the worst names the whole."""
    returned = read(message("postfix-two-recipients"))
    assert returned.kind == "bounce"
    assert [(report.address, report.action, report.meaning) for report in returned.reports] == [
        ("ada@reader.example", "failed", "address-dead"),
        ("bob@reader.example", "delayed", "mailbox-full"),
    ]
    without_blank_lines = read(message("dsn-no-blank-lines"))
    assert [(report.address, report.status) for report in without_blank_lines.reports] == [
        ("ada@reader.example", "5.1.1"),
        ("bob@reader.example", "5.2.2"),
    ]


def test_a_report_says_who_reports_and_in_which_words() -> None:
    """The server's name, its words on one line, and the recipient of the message that failed."""
    returned = read(message("postfix-user-unknown"))
    assert returned.reports == (
        Report(
            address="ada@reader.example",
            action="failed",
            status="5.1.1",
            diagnostic="550 5.1.1 <ada@reader.example>: Recipient address rejected: "
            "User unknown in virtual mailbox table",
            server="mail.digest.example",
            meaning="address-dead",
            permanent=True,
        ),
    )
    assert returned.recipient == "ada@reader.example"


def test_a_reader_who_wants_no_more_is_named() -> None:
    """Who wrote, and the address it was sent to, are handed on."""
    assert read(message("unsubscribe-ar")).sender == "ada@reader.example"
    assert read(message("unsubscribe-by-address")).sent_to == ("bounces+u-17.q2m7yd3kxv5t4zha@digest.example",)


@pytest.mark.parametrize(
    ("subject", "kind"), [("unsubscribe", "unsubscribe"), ("I am at the sea", "auto-reply"), ("", "auto-reply")]
)
def test_who_wants_no_answer_may_still_want_no_more(subject: str, kind: str) -> None:
    """Exchange's header asks programs to be silent, and stands in their own replies; a wish is a wish all the same."""
    letter = f"From: ada@reader.example\nSubject: {subject}\nX-Auto-Response-Suppress: All\n\n"
    assert read(letter.encode()).kind == kind


def test_all_addresses_that_a_message_was_sent_to_are_handed_on() -> None:
    """Each once, what a mail server noted before what the writer did."""
    text = b"To: Ada <ada@a.example>, bob@b.example\nCc: c@c.example\nDelivered-To: d@d.example\n"
    sent = read(text + b"X-Original-To: e@e.example\nEnvelope-To: c@c.example\nSubject: hello\n\nhello\n").sent_to
    assert sent == ("e@e.example", "d@d.example", "c@c.example", "ada@a.example", "bob@b.example")


def test_addresses_in_the_returned_message_are_handed_on() -> None:
    """Those that name a delivery: its return path, and where its reader unsubscribes."""
    complaint = message("arf-abuse").replace(
        b"List-Unsubscribe: <mailto:digest@digest.example?subject=unsubscribe>",
        b"List-Unsubscribe: <https://digest.example/u/1>,\n <mailto:bounces+u-17.aaaa@digest.example?subject=stop>",
    )
    assert "bounces+u-17.aaaa@digest.example" in read(complaint).carried
    assert read(message("vacation-en")).carried == ()


@pytest.mark.parametrize(
    ("path", "is_by_program"), [("<>", True), ("<MAILER-DAEMON>", True), ("<ada@reader.example>", False)]
)
def test_mail_from_nobody_is_told(path: str, is_by_program: bool) -> None:
    """The null path, or a mail system's name in its place, is nobody."""
    assert read(f"Return-Path: {path}\nSubject: hello\n\nhello\n".encode()).is_by_program == is_by_program


MEANINGS: list[tuple[str, str, Meaning]] = [
    # The code alone.
    ("5.1.1", "", "address-dead"),
    ("5.1.2", "", "address-dead"),
    ("5.1.3", "", "address-dead"),
    ("5.1.6", "", "address-dead"),
    ("5.1.10", "", "address-dead"),
    ("5.2.1", "", "address-dead"),
    ("5.2.2", "", "mailbox-full"),
    ("4.2.2", "", "mailbox-full"),
    ("5.3.4", "", "too-large"),
    ("5.7.1", "", "policy"),
    ("5.7.26", "", "policy"),
    ("5.1.8", "", "policy"),
    ("5.6.0", "", "content-refused"),
    ("5.4.4", "", "relay-or-dns"),
    ("4.4.1", "", "relay-or-dns"),
    ("4.7.1", "", "temporary"),
    ("4.1.1", "", "temporary"),
    ("4.3.0", "", "temporary"),
    ("5.0.0", "", "unknown"),
    ("5.1.0", "", "unknown"),
    # No code but in the words.
    ("", "550 5.1.1 no", "address-dead"),
    ("", "552 no", "mailbox-full"),
    ("", "451 no", "temporary"),
    ("", "432 no", "temporary"),
    ("", "550 no", "unknown"),
    ("", "", "unknown"),
    ("", "5.1.1.2 is no code", "unknown"),
    # Words against the code.
    ("5.1.1", "550 5.1.1 blocked", "policy"),
    ("5.1.1", "550 5.1.1 looks like spam", "policy"),
    ("5.1.1", "550 5.1.1 rejected by policy", "policy"),
    ("5.1.1", "550 5.1.1 DMARC fails", "policy"),
    ("5.1.1", "550 5.1.1 SPF fails", "policy"),
    ("5.1.1", "550 5.1.1 blacklisted", "policy"),
    ("5.1.1", "550 5.1.1 message too large", "too-large"),
    ("5.1.1", "550 5.1.1 over quota", "mailbox-full"),
    ("5.7.1", "550 5.7.1 over quota", "mailbox-full"),
    ("5.7.1", "550 5.7.1 user unknown", "policy"),
    ("4.1.1", "450 4.1.1 user unknown", "temporary"),
    ("5.0.0", "550 user unknown", "address-dead"),
    # Names are no verdicts.
    ("5.1.1", "550 5.1.1 <spam@reader.example>: User unknown", "address-dead"),
    ("5.1.1", "host spamfilter.reader.example[198.51.100.7] said: 550 5.1.1 User unknown", "address-dead"),
]


@pytest.mark.parametrize(("status", "diagnostic", "meaning"), MEANINGS)
def test_meanings(status: str, diagnostic: str, meaning: Meaning) -> None:
    """Codes are read by RFC 3463; words that excuse the reader, or say that a mailbox is full, count for more."""
    assert meaning_of(status, diagnostic) == meaning


def test_what_is_quoted_gives_no_reason() -> None:
    """Subjects and copies of what was mailed may say anything, and the report stays what it is."""
    told = message("exim-unrouteable").replace(b"  Unrouteable address", b"  because")
    copied = told + b"\n550 5.1.1 user unknown, mailbox full\n"
    assert [report.meaning for report in read(copied).reports] == ["unknown"]
    subject = daemon("To: ada@reader.example\nSubject: Mailbox full? Blocked!\n\n<ada@reader.example>: user unknown\n")
    assert [report.meaning for report in read(subject).reports] == ["address-dead"]


def daemon(text: str) -> bytes:
    """A report in sentences."""
    return f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n{text}".encode()


def test_a_reason_is_nobody_elses() -> None:
    """With two addresses, what stands beside one says nothing of the other."""
    reports = read(daemon("<ada@reader.example>: user unknown\n\n<bob@reader.example>:\n")).reports
    assert [(report.address, report.meaning) for report in reports] == [
        ("ada@reader.example", "address-dead"),
        ("bob@reader.example", "unknown"),
    ]


def test_a_forwarded_recipient_is_reported_as_we_know_it() -> None:
    """Where a report has both the address we mailed and the one that was forwarded to, ours counts."""
    forwarded = message("postfix-user-unknown").replace(b"Final-Recipient: rfc822; ada", b"Final-Recipient: rfc822; a2")
    assert [report.address for report in read(forwarded).reports] == ["ada@reader.example"]


def test_what_is_delayed_is_not_dead() -> None:
    """A server that still tries has not given the address up, whatever it was told."""
    report = report_of("ada@reader.example", "delayed", "", "user unknown", "mx.example")
    assert (report.meaning, report.permanent) == ("temporary", False)


TEXT = "\n<bob@reader.example>: user unknown\n"
PEOPLE: dict[str, tuple[str, ReturnedKind]] = {
    "a letter about a bounce": ("Return-Path: <a@b.example>\nFrom: a@b.example\nSubject: Undeliverable\n", "unknown"),
    "a bounce passed on": ("From: a@b.example\nSubject: Fwd: Undeliverable\n", "unknown"),
    "a bounce of an unknown system": ("Return-Path: <>\nFrom: robot@b.example\nSubject: Undeliverable\n", "bounce"),
    "a reply with the subject of a bounce": (
        "Return-Path: <>\nFrom: a@b.example\nSubject: Undeliverable\nAuto-Submitted: auto-replied\n",
        "auto-reply",
    ),
    "a challenge by a mail system": ("From: postmaster@b.example\nSubject: Please verify your address\n", "auto-reply"),
    "an old reply": ("Return-Path: <>\nFrom: a@b.example\nSubject: Thanks\nPrecedence: auto_reply\n", "auto-reply"),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_only_mail_systems_report(name: str) -> None:
    """The words of a bounce count if a mail system wrote them, and no program for somebody, and nobody who quotes."""
    headers, kind = PEOPLE[name]
    assert read((headers + TEXT).encode()).kind == kind


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read(octets: bytes) -> None:
    """Nothing is too odd to be unknown, and no report comes without its reason."""
    for arrived in (octets, b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + octets):
        returned = read(arrived)
        assert returned.kind in get_args(ReturnedKind)
        assert bool(returned.reports) == (returned.kind in ("bounce", "delayed", "delivered"))


PIECES = [
    b"=?utf-8?B?!!!?=",
    b"\x00",
    b"\r",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\n",
    b"Content-Type: text/plain; charset=utf-7\n",
    b"Content-Transfer-Encoding: base64\n",
    b"From: ((((((\n",
    b"Final-Recipient: ;;<>\nAction:\nStatus: 9.9.9\n",
]


def mutated(chance: random.Random, messages: list[bytes]) -> bytes:
    """A message with bytes changed, cut, doubled and put in."""
    octets = bytearray(chance.choice(messages))
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(octets) + 1)
        end = min(len(octets), start + chance.randint(1, 200))
        piece = chance.choice([b"", chance.randbytes(9), bytes(octets[start:end]) * 9, *PIECES])
        octets[start : chance.choice([start, end])] = piece
    return bytes(octets)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_messages_are_read(seed: int) -> None:
    """Whatever happens to a message on its way, it is read, and twice the same."""
    chance = random.Random(seed)
    messages = [message(name) for name in sorted(ALL)]
    for _ in range(150):
        damaged = mutated(chance, messages)
        assert read(damaged) == read(damaged)


DAEMON = b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n"
HUGE = {
    "one line": DAEMON + b"\n" + b"a" * MEGABYTES,
    "empty lines": DAEMON + b"\n" + b"\n" * MEGABYTES,
    "at signs": DAEMON + b"\n" + b"a@" * (MEGABYTES // 2),
    "reports": DAEMON + b"\n" + b"<a@b.example>: user unknown\n" * (MEGABYTES // 28),
    "words": DAEMON + b"\n" + b"user exceeded " * (MEGABYTES // 14),
    "ten thousand parts": b"Content-Type: multipart/report; boundary=x\n\n"
    + b"--x\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n" * 10_000,
    "parts within parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(100_000)
    ),
    "messages within messages": b"Content-Type: message/rfc822\n\n" * 300_000,
    "headers": b"X: y\n" * (MEGABYTES // 5),
    "folds": b"Subject: a\n" + b" =?utf-8?q?a?=\n" * (MEGABYTES // 15),
    "encoded words": b"Subject: " + b"=?a?q?" * (MEGABYTES // 6),
    "parameters": b"Content-Type: multipart/mixed;" + b';"' * (MEGABYTES // 2),
    "tags": DAEMON + b"Content-Type: text/html\n\n" + b"<" * MEGABYTES,
    "comments": b"From: " + b"(" * MEGABYTES,
    "quoted-printable": DAEMON + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * MEGABYTES,
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_messages_take_little_time(name: str) -> None:
    """Ten megabytes of the worst are read in a moment: no part of the work grows faster than the message."""
    started = time.process_time()
    read(HUGE[name])
    assert time.process_time() - started < 5


def test_many_reports_with_long_words_take_little_time() -> None:
    """A few kilobytes must not keep the door's only reader of messages busy: it waits for them one after the other."""
    words = b"exceed" * 330
    report = (
        b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; %b\n\n" % words
    )
    message = b"Content-Type: message/delivery-status\n\n" + report * 300
    started = time.process_time()
    assert len(read(message).reports) == 10
    assert time.process_time() - started < 0.5
