"""What servers' answers mean, by a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.mail.replies import Meaning, Reply, Stage, meaning, readable

CASES: list[tuple[Stage, int, str, Meaning]] = [
    ("MAIL", 421, "4.3.2 shutting down", "throttled"),
    ("RCPT", 421, "4.7.0 too many messages", "throttled"),
    ("end", 421, "", "throttled"),
    ("RCPT", 454, "4.7.1 try later", "throttled"),
    ("MAIL", 451, "4.3.0 try later", "throttled"),
    ("MAIL", 450, "4.7.1 sender's domain not found", "throttled"),
    ("MAIL", 452, "4.3.1 insufficient system storage", "throttled"),
    ("RCPT", 452, "4.3.1 insufficient system storage", "throttled"),
    ("DATA", 451, "4.7.0 temporary rate limit", "throttled"),
    ("end", 450, "4.7.28 unusual rate of mail", "throttled"),
    ("RCPT", 450, "4.7.28 unusual rate of mail from you", "crowded"),
    ("RCPT", 451, "4.7.0 too much mail from you", "crowded"),
    ("RCPT", 450, "4.2.0 <a@b>: Recipient address rejected: Greylisted", "deferred"),
    ("RCPT", 451, "4.7.1 Greylisting in action, come back later", "deferred"),
    ("RCPT", 421, "4.7.0 graylisted", "deferred"),
    ("RCPT", 451, "4.7.1 try again later", "deferred"),
    ("RCPT", 450, "mailbox busy", "deferred"),
    ("RCPT", 451, "local error", "deferred"),
    ("RCPT", 452, "4.2.2 over quota", "deferred"),
    ("DATA", 451, "local error", "deferred"),
    ("end", 451, "try again", "deferred"),
    ("end", 452, "disk full", "deferred"),
    ("RCPT", 452, "too many recipients", "too many recipients"),
    ("RCPT", 450, "4.5.3 Too many recipients", "too many recipients"),
    ("RCPT", 450, "4.7.1 Error: too many recipients from 192.0.2.1", "throttled"),
    ("RCPT", 452, "4.5.3 enough", "too many recipients"),
    ("RCPT", 452, "enough", "too many recipients"),
    ("MAIL", 530, "5.7.0 authentication required", "login failure"),
    ("RCPT", 530, "log in first", "login failure"),
    ("MAIL", 535, "5.7.8 bad credentials", "login failure"),
    ("RCPT", 550, "5.7.8 no", "login failure"),
    ("RCPT", 550, "5.1.1 no such user", "address rejected"),
    ("RCPT", 550, "no such user", "address rejected"),
    ("RCPT", 551, "user not local", "address rejected"),
    ("RCPT", 552, "5.2.2 mailbox full", "address rejected"),
    ("RCPT", 501, "5.1.3 bad address", "address rejected"),
    ("end", 550, "5.1.1 no such user after all", "address rejected"),
    ("DATA", 550, "5.2.1 mailbox disabled", "address rejected"),
    ("RCPT", 554, "5.7.1 Relay access denied", "message rejected"),
    ("RCPT", 550, "5.7.1 blocked, see our list", "message rejected"),
    ("MAIL", 550, "sender refused", "message rejected"),
    ("MAIL", 552, "5.3.4 message too big", "message rejected"),
    ("DATA", 554, "no valid recipients", "message rejected"),
    ("end", 552, "too big", "message rejected"),
    ("end", 554, "5.7.1 looks like spam", "message rejected"),
    ("RCPT", 550, "relay not permitted", "message rejected"),
    ("RCPT", 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "message rejected"),
    ("RCPT", 550, "Verification failed for <news@p.example> Sender verify failed", "message rejected"),
    ("RCPT", 550, "5.1.8 <news@p.example>: Sender address rejected: Domain not found", "message rejected"),
    ("RCPT", 450, "4.1.8 <news@p.example>: Sender address rejected: Domain not found", "throttled"),
    ("RCPT", 553, "5.1.7 <news@p.example>: Sender address rejected", "message rejected"),
    ("RCPT", 504, "5.5.2 <box>: Helo command rejected: need fully-qualified hostname", "message rejected"),
    ("RCPT", 450, "4.7.1 <box>: Helo command rejected: Host not found", "throttled"),
    ("RCPT", 450, "4.7.25 Client host rejected: cannot find your hostname", "throttled"),
    ("RCPT", 550, "authentication required", "message rejected"),
    ("RCPT", 503, "MAIL first", "message rejected"),
    ("RCPT", 550, "5.5.0 mailbox unavailable", "address rejected"),
    ("RCPT", 501, "bad address syntax", "address rejected"),
    ("RCPT", 550, "5.1.1 <authentic@b>: no such user", "address rejected"),
    ("end", 550, "5.1.8 sender address rejected", "message rejected"),
    ("RCPT", -1, "hello?", "server gone"),
    ("DATA", 250, "what?", "server gone"),
    ("MAIL", 354, "go on", "server gone"),
]


@pytest.mark.parametrize(("stage", "code", "text", "expected"), CASES)
def test_an_answer_means_what_the_table_says(stage: Stage, code: int, text: str, expected: Meaning) -> None:
    """Who is meant by a refusal, and for how long, follows from where it comes, its codes and a few words."""
    assert meaning(stage, Reply(code, text)) == expected


STAGES: list[Stage] = ["MAIL", "RCPT", "DATA", "end"]


@given(st.sampled_from(STAGES), st.integers(400, 499), st.text())
def test_a_temporary_refusal_is_never_final(stage: Stage, code: int, text: str) -> None:
    """Whatever a server writes behind a 4xx, no reader is refused for it."""
    assert meaning(stage, Reply(code, text)) in ("throttled", "crowded", "deferred", "too many recipients")


@given(st.sampled_from(STAGES), st.integers(500, 599), st.text())
def test_a_final_refusal_is_never_tried_again_as_such(stage: Stage, code: int, text: str) -> None:
    """Whatever a server writes behind a 5xx, the answer is no: to the reader, to the message, or to us."""
    assert meaning(stage, Reply(code, text)) in ("address rejected", "message rejected", "login failure")


def test_a_reply_is_shown_on_one_line() -> None:
    """Code and words, without line breaks, without what a terminal would obey, and no more than anybody reads."""
    assert str(Reply(550, readable(b"5.1.1 no\r\n such  user"))) == "550 5.1.1 no such user"
    assert readable("no\x1b[31m \x07such\x9b user\u202e") == "no [31m such user"
    assert readable(b"kein Empf\xc3\xa4nger \xff") == "kein Empfänger \ufffd"
    assert len(readable("no such user " * 100_000)) == 500


def test_codes_are_read_where_they_are() -> None:
    """The enhanced code comes first, or it is part of the words."""
    assert Reply(550, "5.1.1 no").enhanced == "5.1.1"
    assert Reply(550, "see 5.1.1").enhanced == ""
