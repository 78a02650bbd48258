"""The rules of answers' heads: validators, Retry-After, freshness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.fetching.headers import (
    MAX_HEAD_BYTES,
    MAX_RETRY_AFTER,
    MAX_TTL,
    Head,
    freshness,
    retry_after,
    validator,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "-5"}, 0),
        *(({"retry-after": "9" * digits}, MAX_RETRY_AFTER.total_seconds()) for digits in (14, 25, 31, 5000)),
        ({"retry-after": "-" + "9" * 5000}, 0),
        ({"retry-after": "Mon, 23 Nov 2026 10:05:00 GMT", "date": DATE}, 300),
        ({"retry-after": "Mon, 23 Nov 2026 12:05:00 GMT"}, 300),
        ({"retry-after": "Mon, 23 Nov 2026 12:05:00 GMT", "date": "garbage"}, 300),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Sun, 23 Nov 2036 10:00:00 GMT", "date": DATE}, MAX_RETRY_AFTER.total_seconds()),
        ({"retry-after": "Mon, 99 Nov 2026 12:05:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_clamped(fields: dict[str, str], seconds: float | None) -> None:
    """Both forms count, a date against the server's own clock, and neither asks for more than 31 days."""
    assert retry_after(fields, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, MAX-AGE = 600, must-revalidate"}, 600),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "1000"}, 0),
        ({"cache-control": "max-age=600", "age": "-1000"}, 600),
        ({"cache-control": "max-age=600", "age": "old"}, 600),
        ({"cache-control": "max-age=0"}, 0),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=31536000"}, MAX_TTL.total_seconds()),
        ({"cache-control": "max-age=" + "9" * 5000}, MAX_TTL.total_seconds()),
        ({"cache-control": "max-age=600", "age": "9" * 5000}, 0),
        ({"cache-control": "max-age=60, max-age=600"}, 60),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "max-age=600, no-store"}, None),
        ({"cache-control": 'no-cache="set-cookie, x", max-age=600'}, 600),
        ({"cache-control": "no-cache", "expires": "Mon, 23 Nov 2026 11:00:00 GMT", "date": DATE}, None),
        ({"expires": "Mon, 23 Nov 2026 11:00:00 GMT", "date": DATE}, 3600),
        ({"cache-control": "max-age=60", "expires": "Mon, 23 Nov 2026 11:00:00 GMT", "date": DATE}, 60),
        ({"expires": "Mon, 23 Nov 2026 09:00:00 GMT", "date": DATE}, 0),
        ({"expires": "Sun, 23 Nov 2036 10:00:00 GMT", "date": DATE}, MAX_TTL.total_seconds()),
        ({"expires": "0", "date": DATE}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": "Mon, 23 Nov 2026 11:00:00 GMT"}, None),
    ],
)
def test_freshness_is_max_age_less_age_or_else_expires_less_date(fields: dict[str, str], seconds: float | None) -> None:
    """Cache-Control goes before Expires, no-cache and no-store say nothing of time, seven days are the most."""
    assert freshness(fields) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("value", "kept"), [(None, None), ("", None), ('W/"1"', 'W/"1"'), ("x" * 4096, "x" * 4096), ("x" * 4097, None)]
)
def test_a_validator_is_kept_unless_it_could_not_be_sent_back(value: str | None, kept: str | None) -> None:
    """Empty and oversized ones are as good as none."""
    assert validator({} if value is None else {"etag": value}, "etag") == kept


def read(*lines: bytes) -> Head:
    head = Head()
    for line in lines:
        assert head.read(line)
    return head


def test_a_new_status_line_forgets_the_head_before() -> None:
    """Of interim answers and the last one only the last one's fields remain."""
    head = read(b"HTTP/1.1 103 Hints\r\n", b"ETag: old\r\n", b"\r\n", b"HTTP/2 200\r\n", b"X:  y \r\n", b"\r\n")
    assert (head.status, head.fields, head.complete) == (200, {"x": "y"}, True)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.1 200 OK", 200),
        (b"HTTP/2 204", 204),
        (b"HTTP/1.1 2000 OK", 0),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK", 0),
        (b"HTTP/1.1", 0),
        (b"HTTP/1.1 OK 200", 0),
    ],
)
def test_a_status_is_three_digits(line: bytes, status: int) -> None:
    """Anything else is none."""
    assert read(line + b"\r\n").status == status


def test_repeated_cache_control_fields_add_up() -> None:
    """A list field may be sent in several lines (RFC 9110 5.3)."""
    head = read(b"HTTP/1.1 200 OK\r\n", b"Cache-Control: public\r\n", b"cache-control: max-age=5\r\n", b"\r\n")
    assert freshness(head.fields) == timedelta(seconds=5)


def test_repeated_codings_add_up_and_other_fields_do_not() -> None:
    """Content-Encoding is a list too; of a field that is none the last counts."""
    head = read(b"HTTP/1.1 200 OK\r\n", b"Content-Encoding: gzip\r\n", b"ETag: 1\r\n", b"content-encoding: br\r\n")
    head.read(b"ETag: 2\r\n")
    assert head.fields == {"content-encoding": "gzip, br", "etag": "2"}


@pytest.mark.parametrize(("value", "size"), [("12", 12), ("", 0), ("-1", 0), ("twelve", 0), ("1" * 31, 0), ("١", 0)])
def test_the_size_of_a_body_is_what_was_announced(value: str, size: int) -> None:
    """Content-Length as a number, and 0 for anything else."""
    head = read(b"HTTP/1.1 200 OK\r\n")
    head.fields["content-length"] = value
    assert head.body_size == size


def test_the_size_of_a_head_is_counted_over_interim_answers() -> None:
    """Each of them starts a new head, and none of them a new count."""
    head = read(*[b"HTTP/1.1 103 Hints\r\n" + b"x" * 980] * 262)
    assert head.size <= MAX_HEAD_BYTES
    assert not head.read(b"x" * 1000)


NAMES = st.sampled_from(["cache-control", "age", "expires", "date", "retry-after", "etag"])
VALUES = st.one_of(
    st.text(max_size=30), st.from_regex(r"(max-age|no-cache)=?-?\d{0,40}", fullmatch=True), st.just(DATE)
)


@given(st.dictionaries(NAMES, VALUES))
def test_no_header_value_breaks_the_rules(fields: dict[str, str]) -> None:
    """Whatever a server sends, the hints are None or within their bounds."""
    for hint, most in ((retry_after(fields, NOW), MAX_RETRY_AFTER), (freshness(fields), MAX_TTL)):
        assert hint is None or timedelta(0) <= hint <= most


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_header_line_breaks_the_reading(lines: list[bytes]) -> None:
    """Any bytes that libcurl hands over as a line can be read."""
    head = read(*lines)
    assert head.size == sum(map(len, lines))
