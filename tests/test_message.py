"""Messages: well-formed mail, whatever a feed or a configuration puts into it."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import NOW
from tidings.addresses import ascii_domain
from tidings.mail.message import Envelope, compose, domain_of, header_text, message_id

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "List-Owner",
    "List-Archive",
    "List-Post",
    "Feedback-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
INJECTIONS = [
    "Hello\r\nBcc: thief@evil.example",
    "Hello\nBcc: thief@evil.example",
    "Hello\rBcc: thief@evil.example",
    "Hello\r\n\r\n<h1>Body</h1>",
    "Hello\x0bBcc: thief@evil.example",
    "Hello\x0cBcc: thief@evil.example",
    "Hello\x1cBcc: thief@evil.example",
    "Hello\x85Bcc: thief@evil.example",
    "Hello\u2028Bcc: thief@evil.example",
    "Hello\u2029Bcc: thief@evil.example",
    "Hello\x00Bcc: thief@evil.example",
    "Hello\ud800Bcc: thief@evil.example",
    "=?utf-8?q?Hello=0D=0ABcc:_thief@evil.example?=",
    "=?utf-8?b?SGVsbG8NCkJjYzogdGhpZWZAZXZpbC5leGFtcGxl?=",
    "=\x00?utf-8?q?Hello=0D=0ABcc:_thief@evil.example?=",
    "==??utf-8?q?Hello=0D=0ABcc:_thief@evil.example?=",
]


def made(
    subject: str = "News",
    html: str = "<p>Hello</p>",
    text: str = "Hello",
    recipient: str = "reader@example.org",
    identity: str = "<daily.1.abc@example.com>",
    sender: str = "The Site <news@example.com>",
    reply_to: str = "",
    list_name: str = "daily",
    list_title: str = "The daily",
    archive: str = "https://example.com/",
    unsubscribe_url: str = "",
) -> bytes:
    envelope = Envelope(sender, reply_to, list_name, list_title, 7, archive)
    return bytes(compose(envelope, recipient, subject, html, text, identity, NOW, unsubscribe_url))


def parsed(message: bytes) -> EmailMessage:
    """The message as a strict program reads it, held to everything that every message promises."""
    head, _, _ = message.partition(b"\r\n\r\n")
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")
    assert max(map(len, message.split(b"\r\n"))) <= 998
    found = email.message_from_bytes(message, policy=email.policy.SMTP)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    assert [name for name in found if name in HEADERS] == found.keys()
    assert len(set(found.keys())) == len(found.keys())
    assert b"\x00" not in head
    root, *parts = found.walk()
    assert root.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert [part.defects for part in parts] == [[], []]
    return found


def strict(message: bytes) -> EmailMessage:
    """The same, where no header may have a defect either."""
    found = parsed(message)
    message.decode("ascii")
    assert {name: value.defects for name, value in found.items() if value.defects} == {}
    email.message_from_bytes(message, policy=email.policy.strict)
    return found


def bodies(message: bytes) -> tuple[str, str]:
    plain, rich = parsed(message).iter_parts()
    texts = [part.get_content().replace("\r\n", "\n") for part in (plain, rich)]
    return texts[0], texts[1]


def test_a_message_has_every_header_once() -> None:
    """One mailbox each in From and To, a zoned date, and what mailing lists and automatic senders owe."""
    found = strict(made(reply_to="editor@example.com"))
    assert sorted([*found.keys(), "List-Unsubscribe-Post"]) == sorted(HEADERS)
    assert found["From"] == "The Site <news@example.com>"
    assert found["To"] == "reader@example.org"
    assert found["Subject"] == "News"
    assert parsedate_to_datetime(found["Date"]) == NOW
    assert found["Message-ID"] == "<daily.1.abc@example.com>"
    assert found["Reply-To"] == "editor@example.com"
    assert found["List-Id"] == '"The daily" <daily.example.com>'
    assert found["List-Unsubscribe"] == "<mailto:editor@example.com?subject=unsubscribe>"
    assert found["List-Help"] == "<mailto:editor@example.com?subject=help>"
    assert found["List-Owner"] == "<mailto:editor@example.com>"
    assert found["List-Archive"] == "<https://example.com/>"
    assert found["List-Post"] == "NO"
    assert found["Feedback-ID"] == "daily:7:daily.example.com:example.com"
    assert found["Auto-Submitted"] == "auto-generated"


def test_one_click_comes_before_the_mail_that_unsubscribes() -> None:
    """With an address to POST to, that comes first, and the header of RFC 8058 says that one click is enough."""
    found = strict(made(unsubscribe_url="https://example.com/u/abc"))
    by_mail = "<mailto:news@example.com?subject=unsubscribe>"
    assert " ".join(found["List-Unsubscribe"].split()) == f"<https://example.com/u/abc>, {by_mail}"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://planet.example/a/", "https://planet.example/a/"),
        ("https://bücher.example:8080/ü/", "https://xn--bcher-kva.example:8080/%C3%BC/"),
        ("https://planet.example/a%20b>c<(d)/", "https://planet.example/a%20b%3Ec%3C%28d%29/"),
    ],
)
def test_urls_in_headers_are_ascii_between_brackets(url: str, expected: str) -> None:
    """Letters beyond ASCII and brackets of a URL are escaped, what is escaped already stays."""
    assert strict(made(archive=url))["List-Archive"] == f"<{expected}>"


@pytest.mark.parametrize(
    ("sender", "last"),
    [
        ("a@example.com", "example.com"),
        ("a@news.planet.example", "planet.example"),
        ("a@bücher.example", "her-kva.example"),
    ],
)
def test_feedback_id_has_four_parts(sender: str, last: str) -> None:
    """Gmail counts complaints by it: four parts, the last of at most fifteen characters and for all issues the same."""
    parts = strict(made(sender=sender, list_name="a:b"))["Feedback-ID"].split(":")
    assert parts[:3] == ["a-b", "7", f"a-b.{domain_of(sender)}"]
    assert len(parts) == 4
    assert len(parts[3]) <= 15
    assert parts[3] == last


def test_without_reply_to_the_sender_is_written_to() -> None:
    """An absent Reply-To is absent, and unsubscribing goes to the sender."""
    found = strict(made())
    assert "Reply-To" not in found
    assert found["List-Unsubscribe"] == "<mailto:news@example.com?subject=unsubscribe>"


def test_the_text_comes_before_the_html() -> None:
    """Both renderings arrive as they were given."""
    assert bodies(made(html="<p>Größe 日本 🎉</p>\n", text="Größe\n\n日本 🎉\n")) == (
        "Größe\n\n日本 🎉\n",
        "<p>Größe 日本 🎉</p>\n",
    )


def test_the_same_arguments_give_the_same_bytes() -> None:
    """Made again after a crash, a message is the same to the byte; another reader's has another boundary."""
    assert made() == made()
    assert made(identity="<daily.1.abd@example.com>") != made()


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize("place", ["subject", "list_title", "name"])
def test_no_header_can_be_added(injection: str, place: str) -> None:
    """Line ends of every kind, encoded ones too, become blanks: no header and no body is added."""
    values = {place: injection} if place != "name" else {"sender": f'"{injection}" <news@example.com>'}
    found = strict(made(**values))
    assert "Bcc" not in found
    assert bodies(made(**values)) == ("Hello\n", "<p>Hello</p>\n")
    assert found["From"].addresses[0].addr_spec == "news@example.com"
    assert not re.search(r"[\r\n\x00-\x1f\x85\u2028]", "".join(found.values()))


def test_what_looks_encoded_stays_text() -> None:
    """A headline about encoded words is shown, not decoded."""
    found = strict(made(subject="How =?utf-8?q?caf=C3=A9?= works"))
    assert found["Subject"] == "How = ?utf-8?q?caf=C3=A9?= works"


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "x" * 2000,
        "word " * 300,
        "ü" * 700,
        "Schöne Grüße aus Köln und " * 20,
        "日本語の題名" * 60,
        "👩‍👩‍👧‍👦" * 80,
        "a" * 100 + " ü " + "b" * 100,
        'Re: [list] (comment) <tag> "quoted" back\\slash; semi, colon: end.',
    ],
)
def test_subjects_of_any_length_arrive(subject: str) -> None:
    """Long and foreign headlines are folded and encoded so that every word comes back."""
    found = strict(made(subject=subject))
    assert found["Subject"] == header_text(subject)


@given(subject=st.text(max_size=200))
@example(subject="0" * 102 + "=?[¡ ¡")
def test_any_subject_arrives(subject: str) -> None:
    """Every text comes back as the one line it was made, in lines of at most 78 octets."""
    message = made(subject=subject)
    assert strict(message)["Subject"] == header_text(subject)
    [line] = re.findall(rb"(?m)^Subject:(?:.*(?:\r\n[ \t].*)*)", message.partition(b"\r\n\r\n")[0])
    assert max(map(len, line.split(b"\r\n"))) <= 78


@given(name=st.text(max_size=80))
@example(name='Joe "the blogger" O\'Hara, Esq.')
def test_any_name_of_a_sender_arrives(name: str) -> None:
    """A sender's name may hold anything; the address stays what it is."""
    quoted = header_text(re.sub(r'[\\"]', "", name))
    message = made(sender=f'"{quoted}" <news@example.com>')
    assert strict(message)["From"].addresses[0].addr_spec == "news@example.com"
    # The new parser of the standard library puts blanks between the encoded words of a name; the old one doesn't.
    raw = re.sub(r"\r\n(?=[ \t])", "", email.message_from_bytes(message)["From"])
    decoded = str(make_header(decode_header(re.sub(r"<?news@example.com>?$", "", raw))))
    assert decoded.strip().strip('"') == quoted.strip()


def test_a_message_may_be_text_alone() -> None:
    """Without HTML there is no part for it, and no parts at all; nothing else is other than usual."""
    for text in ("Hello", "Grüße", "日本語の長い文章です。", ""):
        found = email.message_from_bytes(made(html="", text=text), policy=email.policy.strict)
        assert (found.get_content_type(), found.get_content_charset()) == ("text/plain", "utf-8")
        assert not found.is_multipart()
        assert found.get_content() == f"{text}\r\n"
        assert set(found.keys()) - set(strict(made()).keys()) == {"Content-Transfer-Encoding"}
        assert set(strict(made()).keys()) <= set(found.keys())


@given(
    html=st.text(st.characters(exclude_categories=()), min_size=1), text=st.text(st.characters(exclude_categories=()))
)
@example(html="\ud800", text="\udfff")
@example(html="a\rb\r\nc\x85d\u2028e\x0cf", text=".\r\n.\r\n")
@example(html="--=_", text="From here\nFrom there")
@example(html="x" * 5000, text="é" * 5000)
def test_any_text_makes_a_message(html: str, text: str) -> None:
    """Lone surrogates and control characters are dropped; everything else arrives, line ends aside."""

    def arriving(given_: str) -> list[str]:
        kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "", given_)
        return re.split("\r\n|\r|\n", kept)

    message = made(html=html, text=text)
    strict(message)
    plain, rich = bodies(message)
    assert plain.rstrip("\n").split("\n") == "\n".join(arriving(text)).rstrip("\n").split("\n")
    assert rich.rstrip("\n").split("\n") == "\n".join(arriving(html)).rstrip("\n").split("\n")


def test_long_addresses_stay_addresses() -> None:
    """Nothing is cut or encoded where a program has to read an address, an id or a list."""
    domain = ".".join(["subdomain"] * 12) + ".example"
    address = "a-very-long-name-before-the-at-sign-that-needs-its-room@" + domain
    identity = message_id("e" * 60, 12, NOW, address, domain)
    found = strict(
        made(sender=f"A Name <{address}>", reply_to=address, recipient=address, identity=identity, list_name="e" * 60)
    )
    assert found["To"].addresses[0].addr_spec == address
    assert found["From"].addresses[0].addr_spec == address
    assert found["Message-ID"] == identity
    assert found["List-Id"] == f'"The daily" <{"e" * 60}.{domain}>'
    assert found["List-Unsubscribe"] == f"<mailto:{address}?subject=unsubscribe>"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("The daily", '"The daily"'),
        ("Täglich", '"Tglich"'),
        ("日本語", '"Digest"'),
        ("", '"Digest"'),
        ('Say "hi" \\ <x@y>', '"Say hi x@y"'),
        ("long " * 100, '"' + ("long " * 14).strip() + '"'),
    ],
)
def test_list_id_is_a_phrase_and_a_host_like_name(title: str, expected: str) -> None:
    """List-Id (RFC 2919) is ASCII, on one line, and its label is no free text."""
    message = made(list_title=title, list_name="The Daily!")
    assert strict(message)["List-Id"] == f"{expected} <the-daily.example.com>"
    assert f"List-Id: {expected} <the-daily.example.com>\r\n".encode() in message


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("joe@bücher.example", "joe@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("joe@example.org", "joe@example.org"),
        ("joe", "joe"),
        ("joe@ü..example", "joe@ü..example"),
    ],
)
def test_domains_are_made_ascii(address: str, expected: str) -> None:
    """A domain with letters outside ASCII goes over the wire in its ASCII form."""
    assert ascii_domain(address) == expected


def test_a_foreign_domain_needs_no_special_server() -> None:
    """Sender and reader at a domain with umlauts make plain ASCII mail."""
    found = strict(made(sender="Jörg <news@bücher.example>", recipient="joe@bücher.example"))
    assert found["To"] == "joe@xn--bcher-kva.example"
    assert found["From"].addresses[0].display_name == "Jörg"
    assert found["List-Id"] == '"The daily" <daily.xn--bcher-kva.example>'


def test_a_foreign_name_before_the_at_is_sent_as_it_is() -> None:
    """RFC 6532: an address that ASCII cannot hold is UTF-8 in the header, never an encoded word."""
    message = made(recipient="jörg@example.org", sender="ü <bücher@example.com>")
    parsed(message)
    assert "To: jörg@example.org\r\n".encode() in message
    assert b" <b\xc3\xbccher@example.com>\r\n" in message
    assert b"<mailto:b%C3%BCcher@example.com?subject=unsubscribe>" in message


@pytest.mark.parametrize(
    ("mailbox", "domain"),
    [
        ("news@example.com", "example.com"),
        ("A <news@example.com>", "example.com"),
        ('"a@b" <news@example.com>', "example.com"),
        ("A <news@bücher.example>", "xn--bcher-kva.example"),
        ("", "localhost"),
    ],
)
def test_domain_of_a_mailbox(mailbox: str, domain: str) -> None:
    """The part behind the @ of the address, in ASCII; a mailbox without one is on this machine."""
    assert domain_of(mailbox) == domain


def test_message_ids_are_stable_and_tell_nothing() -> None:
    """The same for the same issue and reader, different for another of either, and without the address."""
    one = message_id("daily", 3, NOW, "reader@example.org", "example.com")
    assert one == message_id("daily", 3, NOW, "Reader@Example.org", "example.com")
    others = {
        message_id("daily", 3, NOW, "other@example.org", "example.com"),
        message_id("daily", 4, NOW, "reader@example.org", "example.com"),
        message_id("weekly", 3, NOW, "reader@example.org", "example.com"),
        message_id("daily", 3, NOW + timedelta(microseconds=1), "reader@example.org", "example.com"),
        message_id("daily", 3, NOW, "reader@example.org", "example.com", b"secret"),
        message_id("daily", 3, NOW, "reader@example.org", "example.com", b"another"),
    }
    assert len(others | {one}) == 7
    assert "reader" not in one
    assert re.fullmatch(r"<daily\.3\.[0-9a-f]{24}@example\.com>", one)


@pytest.mark.parametrize(
    ("pattern", "encoding"),
    [("a", "quoted-printable"), ("ü", "base64"), ("文", "base64"), (f"{'a' * 13}ü", "quoted-printable")],
)
def test_the_shorter_transfer_encoding_is_chosen(pattern: str, encoding: str) -> None:
    """Mostly ASCII text stays readable on the wire; other scripts are sent in base64, which is shorter for them."""
    text = pattern * 500
    raw = made(html=f"<p>{text}</p>", text=text)
    parts = list(email.message_from_bytes(raw, policy=email.policy.default).iter_parts())
    assert [part["Content-Transfer-Encoding"] for part in parts] == [encoding, encoding]
    assert parts[0].get_content().strip() == text
