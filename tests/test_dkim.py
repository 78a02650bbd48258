"""Signatures, checked by two implementations that share no code with ours: dkimpy and OpenDKIM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings.mail import dkim as ours
from tidings.mail.bodies import Body, Shared
from tidings.mail.dkim import Field, Signer, signatures
from tidings.mail.keys import new_key
from tidings.mail.message import Envelope, Own, compose

WHEN = datetime(2024, 2, 29, 8, 0, tzinfo=UTC)
RSA = Signer("planet.example", "one", new_key("rsa"))
ED25519 = Signer("planet.example", "two", new_key("ed25519"))
BOTH = (RSA, ED25519)
RECORDS = {f"{one.selector}._domainkey.{one.domain}": one.key.record() for one in BOTH}
ENVELOPE = Envelope(
    "Plänet <news@planet.example>", "ed@planet.example", "daily", "Täglich", 7, "https://planet.example/"
)
SIGNED = (
    "from:from:to:subject:date:message-id:reply-to:list-id:list-unsubscribe:list-unsubscribe-post:list-help:"
    "list-archive:feedback-id:mime-version:content-type:auto-submitted"
)


def letter(
    subject: str = "News",
    html: str = "<p>Hello</p>",
    text: str = "Hello",
    recipient: str = "ann@readers.example",
    signers: Sequence[Signer] = BOTH,
    unsubscribe_url: str = "https://planet.example/u/1",
) -> bytes:
    return bytes(
        compose(ENVELOPE, recipient, subject, html, text, "<1@planet.example>", WHEN, unsubscribe_url, signers)
    )


def whole(fields: Sequence[Field], body: bytes, signers: Sequence[Signer] = (ED25519,)) -> bytes:
    """A message of fields and body as they are, signed."""
    lines = [*signatures(fields, Body(Shared((body,))), signers, WHEN), *fields]
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n" + body


def verdicts(message: bytes, count: int) -> list[bool]:
    """What dkimpy says of each signature."""
    return [verified(message, index) for index in range(count)]


def verified(message: bytes, index: int) -> bool:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001
        record = RECORDS.get(name.decode().rstrip("."))
        return None if record is None else record.encode()

    try:
        return bool(dkim.DKIM(message).verify(index, dnsfunc=look_up))
    except dkim.DKIMException:
        return False


def tags(message: bytes) -> list[dict[str, str]]:
    """The tags of each signature, without blanks."""
    head = message.partition(b"\r\n\r\n")[0].decode()
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head).split("\r\n")
    values = [line.partition(":")[2] for line in unfolded if line.startswith("DKIM-Signature:")]
    pairs = [[tag.partition("=") for tag in "".join(value.split()).split(";")] for value in values]
    return [{name: value for name, _, value in each} for each in pairs]


# ------------------------------------------------------------------------------------------------------- what is said


def test_a_signature_names_what_it_covers() -> None:
    """Relaxed forms, the headers that matter with From once more, the time, and no limit of length."""
    first, second = tags(letter())
    assert (first["a"], first["s"], second["a"], second["s"]) == ("rsa-sha256", "one", "ed25519-sha256", "two")
    for found in (first, second):
        assert found["h"] == SIGNED
        assert (found["v"], found["c"], found["d"]) == ("1", "relaxed/relaxed", "planet.example")
        assert found["t"] == str(int(WHEN.timestamp()))
        assert set(found) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}


def test_only_headers_that_are_there_are_listed() -> None:
    """Without an address for one click there is no List-Unsubscribe-Post, neither in the message nor in the list."""
    found = tags(letter(unsubscribe_url=""))[0]["h"].split(":")
    assert "list-unsubscribe" in found
    assert "list-unsubscribe-post" not in found


def test_nobody_signs_without_a_key() -> None:
    """Without signers there is no signature; with them the rest of the message is the same to the byte."""
    bare = letter(signers=())
    assert b"DKIM-Signature" not in bare
    assert letter().endswith(bare)
    assert letter() == letter()


def test_signatures_are_folded() -> None:
    """No line of a signature is longer than 78 octets, whatever the key."""
    head = letter().partition(b"From: ")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_a_body_is_hashed_once_for_all_readers() -> None:
    """An issue's body is the same for everybody, and so is its hash: a hundred readers cost one."""
    ours._hashed.cache_clear()
    for number in range(100):
        letter(html="<p>Once</p>", recipient=f"reader-{number}@readers.example")
    assert ours._hashed.cache_info().misses == 1


@pytest.mark.parametrize("has_html", [True, False])
@pytest.mark.parametrize("letters", ["Hello", "日本語の長い文章です。" * 9])
def test_links_of_a_readers_own_are_signed(letters: str, has_html: bool) -> None:
    """Wherever tokens stand in a body, and however it is encoded, each reader's signature fits that reader's body, and
    no other's."""
    stand_in = "0" * 40
    html = f"<p>{letters}</p>\n <a href='https://planet.example/u/{stand_in}'>{letters}</a>" if has_html else ""
    text = f"{letters} {stand_in} "

    def mailed(token: str) -> bytes:
        own = Own(stand_in, token)
        return bytes(
            compose(ENVELOPE, "ann@readers.example", "s", html, text, "<1@planet.example>", WHEN, "", BOTH, own)
        )

    one, other = mailed("a" * 40), mailed("-_~B" * 10)
    assert verdicts(one, 2) == verdicts(other, 2) == [True, True]
    mixed = one.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + other.partition(b"\r\n\r\n")[2]
    assert verdicts(mixed, 2) == [False, False]


# ------------------------------------------------------------------------------------------------------------- dkimpy

FOLD = st.sampled_from([" ", "  ", "\t", "\r\n ", " \r\n\t", "\r\n   "])
WORD = st.one_of(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12),
    st.sampled_from(["=?utf-8?b?VMOkZ2xpY2g=?=", "ünï", "<a@b.example>,", '"a;  b"', "b=x;", ":"]),
)
VALUE = st.lists(st.tuples(WORD, FOLD), max_size=12).map(
    lambda parts: "".join(word + fold for word, fold in parts) + "x"
)
NAMES = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "Content-Type",
    "X-No",
]
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), VALUE), unique_by=lambda field: field[0]).map(
    lambda fields: [("From", "a@planet.example"), *(field for field in fields if field[0] != "From")]
)
LINE = st.text(st.sampled_from(" \t a=.é-"), max_size=6)
BODY = st.lists(LINE, max_size=8).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())


@settings(max_examples=300)
@given(fields=FIELDS, body=BODY)
@example(fields=[("From", "a@planet.example")], body=b"")
@example(fields=[("From", "a@planet.example")], body=b"\r\n\r\n")
@example(fields=[("From", "a@planet.example")], body=b" \t\r\n \r\n")
@example(fields=[("From", "a@planet.example")], body=b"a \t\r\n\r\n  b  c\t\r\n")
@example(fields=[("From", "  a@planet.example \t")], body=b"a\r\n")
def test_any_headers_and_body_verify(fields: list[Field], body: bytes) -> None:
    """Folded lines, blanks of every kind, encoded words, UTF-8, empty lines at the end: dkimpy finds the signature
    right."""
    assert verdicts(whole(fields, body), 1) == [True]


@settings(max_examples=25)
@given(subject=st.text(max_size=200), html=st.text(max_size=300), text=st.text(max_size=300))
def test_any_letter_verifies(subject: str, html: str, text: str) -> None:
    """Whatever stands in an issue, both signatures of its message are right."""
    assert verdicts(letter(subject, html, text), 2) == [True, True]
    assert verdicts(letter(subject, "", text), 2) == [True, True]


@given(data=st.data())
def test_any_changed_letter_breaks_the_signature(data: st.DataObject) -> None:
    """One other letter or digit anywhere in the body, in a signed header, or in what the signature says of itself, and
    it is right no more."""
    message = letter(signers=(ED25519,))
    head = message.partition(b"\r\n\r\n")[0]
    fields = re.split(rb"\r\n(?![ \t])", head)
    listed = {"dkim-signature", *SIGNED.split(":")}
    places = [index for index in range(len(head) + 4, len(message)) if message[index : index + 1].isalnum()]
    at = 0
    for field in fields:
        name, _, value = field.partition(b":")
        covered = value.rpartition(b"b=")[0] if name == b"DKIM-Signature" else value
        if name.decode().lower() in listed:
            start = at + len(name) + 1
            places += [start + index for index in range(len(covered)) if covered[index : index + 1].isalnum()]
        at += len(field) + 2
    place = data.draw(st.sampled_from(places))
    other = b"y" if message[place : place + 1] != b"y" else b"z"
    assert verdicts(message, 1) == [True]
    assert verdicts(message[:place] + other + message[place + 1 :], 1) == [False]


@pytest.mark.parametrize("added", ["From: thief@evil.example\r\n", "from: thief@evil.example\r\n"])
def test_no_second_sender_can_be_added(added: str) -> None:
    """Another From, above or below, breaks the signature: readers' programs differ in which of two they show."""
    message = letter()
    assert verdicts(added.encode() + message, 2) == [False, False]
    assert verdicts(message.replace(b"\r\n\r\n", b"\r\n" + added.encode() + b"\r\n", 1), 2) == [False, False]


def test_nothing_can_be_added_to_the_body() -> None:
    """What is appended is not covered by the signature, so it is right no more; empty lines and blanks at line ends,
    which relays add, do no harm."""
    message = letter()
    assert verdicts(message + b"<p>Buy!</p>\r\n", 2) == [False, False]
    assert verdicts(message + b"\r\n \t\r\n\r\n", 2) == [True, True]
    assert verdicts(message.replace(b"Hello\r\n", b"Hello \t\r\n"), 2) == [True, True]


def test_folding_on_the_way_does_no_harm() -> None:
    """A relay may fold headers anew and change the case of their names."""
    message = letter(subject="one two three")
    refolded = message.replace(b"Subject: one two", b"SUBJECT:\tone\r\n\t two")
    assert refolded != message
    assert verdicts(refolded, 2) == [True, True]


def test_a_foreign_name_before_the_at_is_signed() -> None:
    """An address in UTF-8 (RFC 6532) is signed as the octets it is."""
    assert verdicts(letter(recipient="jörg@readers.example"), 2) == [True, True]


# ----------------------------------------------------------------------------------------------------------- OpenDKIM

LETTERS = {
    "plain": letter(),
    "foreign": letter("Schöne Grüße aus Köln und " * 20, "<p>日本語 🎉</p>" * 200, "Größe\n\n日本 🎉\n"),
    "blanks": letter("a  b", "<p> \t </p>\n \n\n\n", "  a\tb  \n \n\t\n\n\n"),
    "empty": letter("", "", ""),
    "long": letter("x" * 300, "x" * 5000, "é" * 5000),
    "dots": letter("News", ".\n..\n", "From here\n.\n"),
    "no reply": letter(unsubscribe_url=""),
    "bare": whole([("From", "  a@planet.example \t"), ("Subject", "a\r\n \t b")], b"", BOTH),
    "only blanks": whole([("From", "a@planet.example")], b"a \t b\r\n\r\n \r\nc \r\n\t\r\n", BOTH),
}


def opendkim() -> str:
    """The program; skips the test where there is none, but fails it in CI."""
    found = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs opendkim to check signatures with")
        pytest.skip("there is no opendkim to check signatures with")
    return found


def results(folder: Path, message: bytes, records: Mapping[str, str] = RECORDS) -> list[str]:
    """What OpenDKIM says of each signature of a message, its keys from a file instead of the DNS."""
    keys, settings_, file = folder / "keys", folder / "opendkim.conf", folder / "message.eml"
    keys.write_text("".join(f"{name} {record}\n" for name, record in records.items()), encoding="ascii")
    settings_.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n", encoding="utf-8")
    file.write_bytes(message)
    command = [opendkim(), "-x", str(settings_), "-vvv", "-t", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return re.findall(r"\bdkim=(\w+)", done.stdout)


@pytest.mark.parametrize("name", LETTERS)
def test_opendkim_finds_signatures_right(tmp_path: Path, name: str) -> None:
    """OpenDKIM, which many receivers run, agrees about both kinds of key."""
    assert results(tmp_path, LETTERS[name]) == ["pass", "pass"]


def test_opendkim_finds_changed_messages_wrong(tmp_path: Path) -> None:
    """What OpenDKIM is asked here is no formality: another subject or another text is found out."""
    message = LETTERS["plain"]
    assert results(tmp_path, message.replace(b"Subject: News", b"Subject: Newt")) == ["fail", "fail"]
    assert results(tmp_path, message.replace(b"Hello", b"Hallo")) == ["fail", "fail"]
