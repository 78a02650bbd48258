"""Bodies that readers share but for their own links: the same octets as if each had been encoded by itself."""

from __future__ import annotations

import email.policy
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.smtp_servers import HOST, ScriptedServer
from tidings.mail.bodies import shared
from tidings.mail.message import Envelope, Own, compose
from tidings.mail.smtp import SmtpServer, open_smtp
from tidings.mail.transport import Parcel, always

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("Planet <digest@planet.example>", "", "weekly", "The Weekly", 3, "https://planet.example/")
STAND_IN = "1-hTnvJ0DkYx3q_mB7-s5Zpw-0000000000000000-weekly"
TOKEN = "1-AAAA--__zzzz9999aaaa~~-fedcba9876543210-weekly"

# Texts in which one encoding or the other is shorter, with and without line ends, blanks and dots.
pieces = st.one_of(
    st.text(alphabet="ab .=\n\t<>", max_size=90),
    st.text(alphabet="日本語のéß .\n", max_size=90),
    st.text(max_size=40),
)


def mailed(html: str, text: str, own: Own) -> bytes:
    return bytes(compose(ENVELOPE, "ann@readers.example", "s", html, text, "<1@planet.example>", WHEN, own=own))


def opened(message: bytes) -> EmailMessage:
    found = message_from_bytes(message, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def assert_same(html: str, text: str) -> None:
    woven = mailed(html, text, Own(STAND_IN, TOKEN))
    alone = mailed(html.replace(STAND_IN, TOKEN), text.replace(STAND_IN, TOKEN), Own("", ""))
    boundaries = [opened(one).get_boundary() or "" for one in (woven, alone)]
    assert all(boundaries) or not html
    assert woven.replace(boundaries[0].encode(), boundaries[1].encode()) == alone
    assert STAND_IN.encode() not in woven


@given(st.lists(pieces, min_size=2, max_size=4), st.lists(pieces, min_size=1, max_size=4))
@example(["日本語" * 40, "", "日本語"], ["日本語" * 30 + "a", "bc", ""])
@example(["", ""], ["x" * 30, "x" * 75 + "\n", "."])
def test_a_woven_message_is_the_one_that_is_encoded_by_itself(html: list[str], text: list[str]) -> None:
    """Octet for octet, whatever stands around the tokens; only the boundary knows which was which."""
    assert_same(*(f" https://planet.example/u/{STAND_IN}".join(part) for part in (html, text)))


@given(st.lists(pieces, min_size=1, max_size=4))
@example(["日本語" * 30 + "a", "bc", ""])
@example(["x" * 30, "x" * 75 + "\n", "."])
@example(["--b\nContent-Transfer-Encoding: base64\n\n", ""])
def test_a_woven_text_is_the_one_that_is_encoded_by_itself(text: list[str]) -> None:
    """The same of a mail without HTML, which has no parts."""
    assert_same("", f" https://planet.example/u/{STAND_IN}".join(text))


@pytest.mark.parametrize("letters", ["Hello ", "日本語の長い文章です。"])
@pytest.mark.parametrize("shift", range(80))
def test_every_place_on_a_line(letters: str, shift: int) -> None:
    """Wherever on its line a token begins, in either encoding, its reader finds it whole, and lines end as ever."""
    text = f"{letters * 20}{'x' * shift}/{STAND_IN} {letters}\n{letters}"
    (plain, rich) = opened(mailed(f"<p>{text}</p>", text, Own(STAND_IN, TOKEN))).iter_parts()
    for part in (plain, rich):
        assert TOKEN in part.get_content()
        assert STAND_IN not in part.get_content()
    assert_same(text, text)


def test_what_is_shared_is_one_object_for_all() -> None:
    """Without a stand-in there are no gaps, and no copy is made."""
    body = b"--b\r\n\r\ntext\r\n--b--\r\n"
    assert shared(body, "b", "").pieces[0] is body


@pytest.mark.parametrize("linked", [False, True])
def test_lines_that_begin_with_a_dot_reach_their_reader(linked: bool) -> None:
    """SMTP doubles them on the way (RFC 5321 section 4.5.2), before, between and after tokens too."""
    text = f".\n..a\n{STAND_IN}\n.b {STAND_IN}.\n.\n"
    own = Own(STAND_IN, TOKEN) if linked else Own("", "")
    message = compose(ENVELOPE, "ann@readers.example", "s", text, text, "<1@planet.example>", WHEN, own=own)
    with ScriptedServer() as server, open_smtp(SmtpServer(HOST, server.port, "none")) as transport:
        parcel = Parcel("a@planet.example", "b@readers.example", lambda: message)
        assert transport.send(parcel, always).state == "accepted"
        assert server.messages == [bytes(message)]
