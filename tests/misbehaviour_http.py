"""Ways to misbehave on the wire, in the status and in the headers, by name."""

from __future__ import annotations

import gzip
import itertools
import zlib
from datetime import timedelta

import brotli  # type: ignore[import-untyped]
import zstandard

from tests.feeds import blog
from tests.misbehaviour import FEED, Script, Way, away, changing, document, in_turn, raw, refusing, to, verbatim
from tests.origin import Answer, Raw

OK = "HTTP/1.1 200 OK"
XML = "Content-Type: application/xml"
LENGTH = f"Content-Length: {len(FEED)}"
INTERIM = b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nETag: "no"\r\n\r\n'
LONG_AGO = "Mon, 01 Jan 2024 00:00:00 GMT"
TWO_HOURS_LATER = "Mon, 01 Jan 2024 02:00:00 GMT"
CHALLENGE = b"<!DOCTYPE html><html><title>Just a moment...</title><script>window._cf_chl_opt={};</script></html>"
PAGE = b"<!doctype html><html><head><title>Down for maintenance</title></head><body>Back soon.</body></html>"
CUT = gzip.compress(blog(range(300)))[:-200]
BOMB = bytes(30_000_000)


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def coded(body: bytes, coding: str) -> Script:
    return document(body, Content_Encoding=coding)


CONNECTIONS = {
    "closes-at-once": Way("The connection closes without a byte.", Raw([])),
    "closes-in-the-head": Way("It closes in the middle of a header.", Raw([b"HTTP/1.1 200 OK\r\nContent-Le"])),
    "closes-after-the-head": Way("It closes before the body it announced.", raw(OK, LENGTH, 'ETag: "1"')),
    "half-a-body": Way("Half the body comes.", raw(OK, LENGTH, 'ETag: "1"', body=FEED[: len(FEED) // 2])),
    "cut-chunks": Way("The last chunk is missing.", raw(OK, "Transfer-Encoding: chunked", body=chunked(FEED))),
    "bad-chunk": Way("A chunk has no size.", raw(OK, "Transfer-Encoding: chunked", body=b"zz\r\n")),
    "chunks-with-trailers": Way(
        "Headers come behind the body, an ETag among them.",
        raw(OK, "Transfer-Encoding: chunked", body=chunked(FEED, b"")[:-2] + b'ETag: "late"\r\n\r\n'),
    ),
    "chunked-and-a-length": Way(
        "Both framings, of which chunks count.",
        raw(OK, "Transfer-Encoding: chunked", "Content-Length: 7", body=chunked(FEED, b"")),
    ),
    "unasked-transfer-coding": Way(
        "The chunks are gzip, which nobody offered to undo.",
        raw(OK, "Transfer-Encoding: gzip, chunked", body=chunked(gzip.compress(FEED), b"")),
    ),
    "never-answers": Way("The request is taken and nothing said.", Answer(200, FEED, delay=60), polls=1, timeout=1),
    "drips-headers": Way(
        "A header now and then, for ever.",
        Raw(itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")), drip=0.05),
        polls=1,
        timeout=1,
    ),
    "drips-body": Way("A byte now and then.", Answer(200, itertools.repeat(b"x"), drip=0.05), polls=1, timeout=1),
    "drips-redirects": Way(
        "Every hop takes most of the time there is.",
        lambda turn: Answer(302, headers={"Location": f"/feed?{turn.number}"}, delay=0.6),
        polls=1,
        timeout=1,
    ),
    "slow-but-whole": Way("The feed comes in pieces, in time.", Answer(200, [FEED[:200], FEED[200:]], drip=0.2)),
    "endless-body": Way("The body has no end.", Answer(200, itertools.repeat(b"x" * 65_536)), polls=1),
    "endless-headers": Way(
        "The head has no end.",
        Raw(itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X-Y: %s\r\n" % (b"z" * 1000)))),
        polls=1,
    ),
    "one-huge-header": Way("One header is 300 KB.", raw(OK, "ETag: " + "x" * 300_000, LENGTH, body=FEED)),
    "endless-interim-answers": Way(
        "103, for ever.", Raw(itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"))
    ),
    "some-interim-answers": Way(
        "A hundred times 100 and 103, with headers to ignore, then the feed.",
        Raw([INTERIM] * 100 + [f"{OK}\r\n{LENGTH}\r\n\r\n".encode() + FEED]),
    ),
    "garbage-for-a-status": Way("A mail server answers.", Raw([b"220 mail.example ESMTP\r\n"])),
    "http-0.9": Way("The feed comes without a head.", Raw([FEED])),
    "http-1.0": Way("An old server, which ends a body by closing.", raw("HTTP/1.0 200 OK", XML, body=FEED)),
    "shoutcast": Way("A radio station answers.", raw("ICY 200 OK", body=FEED)),
    "bare-line-feeds": Way("Header lines end in LF alone.", Raw([f"{OK}\n{LENGTH}\n\n".encode() + FEED])),
    "line-without-a-colon": Way("One line is no header.", raw(OK, "hello", LENGTH, body=FEED)),
    "nul-in-a-header": Way("A header has a NUL in it.", raw(OK, "X: a\0b", LENGTH, body=FEED)),
    "length-too-small": Way(
        "Content-Length cuts off the end of the feed.",
        raw(OK, f"Content-Length: {len(FEED) - 60}", 'ETag: "1"', body=FEED),
    ),
    "length-too-large": Way("Content-Length promises more.", raw(OK, f"Content-Length: {len(FEED) + 60}", body=FEED)),
    "length-negative": Way("Content-Length is -1.", raw(OK, "Content-Length: -1", body=FEED)),
    "two-lengths": Way(
        "Two Content-Lengths contradict each other.",
        raw(OK, f"Content-Length: {len(FEED) - 60}", LENGTH, 'ETag: "1"', body=FEED),
    ),
    "length-over-the-limit": Way("20 MB are announced.", raw(OK, "Content-Length: 20000000", body=FEED)),
    "dies-when-kept-alive": Way(
        "A connection that was kept open closes at the next request.",
        lambda turn: Answer(200, FEED) if turn.request.is_first else Raw([]),
        polls=1,
        host="127.0.0.1",
        is_crowded=True,
    ),
    "plain-on-the-tls-port": Way("What should speak TLS does not.", Answer(200, FEED), scheme="https"),
    "self-signed": Way(
        "The certificate is nobody's.", Answer(200, FEED), scheme="https", host="localhost", certificate="untrusted"
    ),
}

STATUSES = {
    "status-000": Way("The status is 000.", raw("HTTP/1.1 000 Nothing", LENGTH, body=FEED)),
    "status-999": Way("The status is 999.", refusing(999)),
    "status-204": Way("No content.", Answer(204)),
    "status-205": Way("Reset content.", Answer(205, FEED)),
    "status-206": Way("A part of the feed, which was not asked for.", Answer(206, FEED[:300], {"ETag": '"1"'})),
    "delta": Way(
        "226: only what is new since the ETag we sent.",
        in_turn(
            Answer(200, FEED, {"ETag": '"1"'}),
            lambda turn: Answer(226 if turn.compares('"1"') else 400, blog([3]), {"ETag": '"2"', "IM": "feed"}),
            lambda turn: Answer(304 if turn.compares('"2"') else 400),
        ),
        polls=3,
    ),
    "delta-again": Way(
        "226 with the same new post, again and again.",
        in_turn(Answer(200, FEED, {"ETag": '"1"'}), Answer(226, blog([3]), {"ETag": '"2"'})),
        polls=4,
    ),
    "delta-unasked": Way("226 to the first request.", Answer(226, FEED, {"ETag": '"1"'})),
    "304-unasked": Way("Not modified, to a request without validators.", Answer(304, headers={"ETag": '"1"'})),
    "304-for-ever": Way(
        "A stuck cache says 304 to whatever is conditional.",
        lambda turn: (
            Answer(304)
            if turn.request.headers["If-None-Match"]
            else Answer(200, FEED if turn.number == 1 else blog([3, 2, 1]), {"ETag": '"1"'})
        ),
        later=timedelta(days=46),
    ),
    "304-with-a-body": Way(
        "304 with a length, a type and a body.",
        in_turn(Answer(200, FEED, {"ETag": '"1"'}), raw("HTTP/1.1 304 Not Modified", LENGTH, XML, body=FEED)),
    ),
    "304-with-a-new-etag": Way(
        "304 brings another ETag, and the next request must have that one.",
        in_turn(
            Answer(200, FEED, {"ETag": '"1"'}),
            Answer(304, headers={"ETag": '"2"'}),
            lambda turn: Answer(304 if turn.compares('"2"') else 400),
        ),
        polls=3,
    ),
    "304-with-a-new-date": Way(
        "304 brings another Last-Modified, and the ETag stays.",
        in_turn(
            Answer(200, FEED, {"ETag": '"1"', "Last-Modified": LONG_AGO}),
            Answer(304, headers={"Last-Modified": TWO_HOURS_LATER}),
            lambda turn: Answer(
                304 if turn.compares('"1"') and turn.request.headers["If-Modified-Since"] == TWO_HOURS_LATER else 400
            ),
        ),
        polls=3,
    ),
    **{
        f"status-{status}": Way(f"Every request is answered {status}.", refusing(status))
        for status in (400, 401, 402, 403, 404, 406, 407, 410, 418, 451, 500, 502, 503, 520)
    },
    "404-for-days": Way(
        "A feed that is there is not found for a while, as YouTube does.",
        in_turn(
            Answer(200, FEED, {"ETag": '"1"'}), refusing(404), lambda turn: Answer(304 if turn.compares('"1"') else 400)
        ),
        polls=3,
    ),
    "gone-and-back": Way("410, by mistake.", in_turn(refusing(410), Answer(200, FEED))),
    "403-with-rate-headers": Way(
        "Reddit's way to say 429.", refusing(403, X_Ratelimit_Remaining="0.0", X_Ratelimit_Reset="600")
    ),
    "200-and-no-more": Way(
        "The feed, and headers that say it was the last for ten minutes.",
        Answer(200, FEED, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "600"}),
    ),
    "429": Way("Too many requests, and no word of when.", refusing(429)),
    "429-seconds": Way("Too many requests: an hour.", refusing(429, Retry_After="3600")),
    "429-date": Way(
        "Too many requests: until a date, by a clock that is years late.",
        refusing(429, Date=LONG_AGO, Retry_After=TWO_HOURS_LATER),
    ),
    "429-garbage": Way("Too many requests, until soon.", refusing(429, Retry_After="soon")),
    "429-negative": Way("Too many requests, until before now.", refusing(429, Retry_After="-5")),
    "429-huge": Way("Too many requests, for 3,000 years.", refusing(429, Retry_After="99999999999")),
    "503-with-retry-after": Way("Closed for an hour.", refusing(503, Retry_After="3600")),
    "challenge-by-header": Way(
        "Cloudflare wants a browser, and says so.", refusing(403, cf_mitigated="challenge", Content_Type="text/html")
    ),
    "challenge-503": Way("Cloudflare's page, with 503.", Answer(503, CHALLENGE, {"Content-Type": "text/html"})),
    "challenge-200": Way(
        "Cloudflare's page, with 200.", Answer(200, CHALLENGE, {"Content-Type": "text/html", "ETag": "1"})
    ),
    "challenge-with-retry-after": Way(
        "The same, and not before an hour.", refusing(403, cf_mitigated="challenge", Retry_After="3600")
    ),
    "challenge-quoted": Way(
        "A feed, as text/html, whose post is about Cloudflare's page.",
        document(blog([2, 1], title="Just a moment... about Cloudflare"), "text/html"),
    ),
}

REDIRECTS = {
    **{
        f"redirect-{status}": Way(f"The feed is elsewhere, by {status}.", to("/new", status), {"/new": document(FEED)})
        for status in (301, 302, 303, 307, 308)
    },
    "redirect-300": Way("A choice of two.", to("/new", 300), {"/new": document(FEED)}),
    "redirect-to-itself": Way("It leads to itself.", to("/feed")),
    "redirect-in-a-pair": Way("Two lead to each other.", to("/b"), {"/b": to("/feed")}),
    "redirect-five-times": Way(
        "Five hops, then the feed.",
        to("/1"),
        {"/1": to("/2"), "/2": to("/3"), "/3": to("/4"), "/4": to("/5"), "/5": document(FEED)},
    ),
    "redirect-six-times": Way(
        "Six hops, then the feed.",
        to("/1"),
        {"/1": to("/2"), "/2": to("/3"), "/3": to("/4"), "/4": to("/5"), "/5": to("/6"), "/6": document(FEED)},
    ),
    "redirect-for-ever": Way("Each hop leads to a new one.", lambda turn: to(f"/feed?{turn.request.path}x")),
    "redirect-without-location": Way("It does not say where.", Answer(302)),
    "redirect-to-ftp": Way("It leads off the web.", to("ftp://ftp.example/feed")),
    "redirect-to-file": Way("It leads into our file system.", to("file:///etc/passwd")),
    "redirect-to-javascript": Way("It leads into a browser.", to("javascript:alert(1)")),
    "redirect-to-data": Way("It brings the feed along.", to("data:text/xml,<rss/>")),
    "redirect-to-gopher": Way("It leads to a mail server, by gopher.", to("gopher://127.0.0.1:25/HELO")),
    "redirect-to-a-private-address": Way("It leads into our network.", to("http://10.0.0.1/admin")),
    "redirect-to-metadata": Way("It leads to the cloud's own server.", to("http://169.254.169.254/latest/meta-data")),
    "redirect-inside": Way(
        "It leads to a server of ours that no source may reach.", lambda turn: to(turn.stage.inside.url("/secret"))
    ),
    "redirect-inside-in-decimal": Way(
        "The same, as one number.", lambda turn: to(turn.stage.inside.url("/secret", host="2130706434"))
    ),
    "redirect-inside-by-ipv6": Way(
        "The same, as mapped into IPv6.", lambda turn: to(turn.stage.inside.url("/secret", host="[::ffff:7f00:2]"))
    ),
    "redirect-with-a-login": Way(
        "It has a user name in it.", lambda turn: to(turn.stage.origin.url(host="me:x@127.0.0.1"))
    ),
    "redirect-to-another-host": Way("It leads to another host.", away("/new"), {"/new": document(FEED)}),
    "redirect-there-and-back": Way(
        "Another host sends us home again.",
        away("/bounce"),
        {"/bounce": away("/new", "way.localhost"), "/new": document(FEED)},
    ),
    "redirect-to-plain-http": Way(
        "From https it leads to http.",
        lambda turn: to(turn.stage.origin.url("/new", host="localhost")),
        {"/new": document(FEED)},
        scheme="https",
        host="localhost",
        certificate="trusted",
    ),
    "redirect-relative": Way("The location is relative.", to("new"), {"/new": document(FEED)}),
    "redirect-protocol-relative": Way(
        "The location has no scheme.",
        lambda turn: to(turn.elsewhere("/new").removeprefix("http:")),
        {"/new": document(FEED)},
    ),
    "redirect-with-spaces": Way("There is a space in it.", to(" /a b "), {"/a%20b": document(FEED)}),
    "redirect-with-umlaut": Way("There is an umlaut in it.", to("/fürth"), {"/f%C3%BCrth": document(FEED)}),
    "redirect-to-404": Way("It leads to nothing.", to("/nothing", 301)),
    "redirect-to-nobody": Way(
        "It leads to a port where nobody listens.", lambda turn: to(f"http://way.localhost:{turn.stage.silent_port}/")
    ),
    "redirect-to-another-service": Way("It leads to a mail server.", to("http://way.localhost:25/")),
    "redirect-to-no-name": Way("It leads to a name there is not.", to("http://nowhere.onion/feed")),
    "redirect-to-maintenance": Way(
        "For a while everything is permanently moved to a page that says sorry.",
        in_turn(document(FEED), to("/sorry", 301), document(FEED)),
        {"/sorry": document(PAGE, "text/html", etag='"sorry"')},
        polls=3,
    ),
    "moved-for-good": Way(
        "The feed has moved, and says so for ten days.",
        to("/new", 301),
        {"/new": document(FEED)},
        polls=7,
        later=timedelta(days=2),
    ),
    "moved-to-another-feed": Way(
        "The domain is sold, and for ten days every URL has moved permanently to somebody else's feed.",
        in_turn(document(FEED), to("/other", 301)),
        {"/other": document(blog([9, 8], link="https://other.example/"))},
        polls=7,
        later=timedelta(days=2),
    ),
    "redirect-ends": Way(
        "The feed comes home from a redirect, under the ETag it had there, with a post more.",
        in_turn(to("/new"), document(blog([3, 2, 1]))),
        {"/new": document(FEED)},
    ),
    "redirect-with-an-endless-body": Way(
        "The redirect's own page has no end.",
        Answer(301, itertools.repeat(b"x" * 10_000), {"Location": "/new"}),
        {"/new": document(FEED)},
    ),
}

VALIDATORS = {
    "etag-weak": Way("A weak ETag.", verbatim("ETag", 'W/"1"')),
    "etag-unquoted": Way("An ETag without quotes.", verbatim("ETag", "abc-1")),
    "etag-odd": Way("An ETag with blanks, commas and Latin-1 in it.", verbatim("ETag", '"a, b" \xe9\xff; c*')),
    "etag-4000": Way("An ETag of 4,000 letters.", verbatim("ETag", f'"{"x" * 4000}"')),
    "etag-20000": Way("An ETag that no server would take back.", Answer(200, FEED, {"ETag": "x" * 20_000})),
    "etag-empty": Way("An ETag with nothing in it.", Answer(200, FEED, {"ETag": ""})),
    "etag-changes": Way(
        "Another ETag at each request, for the same feed.", lambda turn: Answer(200, FEED, {"ETag": f'"{turn.number}"'})
    ),
    "etag-disappears": Way(
        "An ETag at first, then none any more.",
        in_turn(Answer(200, FEED, {"ETag": '"1"'}), changing(blog([3, 2, 1]))),
        polls=3,
    ),
    "portal-in-between": Way(
        "A captive portal answers once, with an ETag of its own.",
        in_turn(document(FEED), Answer(200, PAGE, {"ETag": '"portal"'}), document(FEED)),
        polls=3,
    ),
    "backends-disagree": Way(
        "Two servers take turns, and one of them lags behind.",
        lambda turn: Answer(200, *((FEED, {"ETag": '"a"'}) if turn.number % 2 else (blog([3, 2, 1]), {"ETag": '"b"'}))),
        polls=4,
    ),
    "etag-ignored": Way("The whole feed, whatever is sent.", Answer(200, FEED, {"ETag": '"1"'})),
    "date-nonsense": Way("Last-Modified is no date.", verbatim("Last-Modified", "yesterday or so")),
    "date-future": Way("Last-Modified is years ahead.", verbatim("Last-Modified", "Thu, 01 Jan 2099 00:00:00 GMT")),
    "date-zero": Way("Last-Modified is 0.", verbatim("Last-Modified", "0")),
    "cookies": Way("A cookie that wants to come back.", document(FEED, Set_Cookie="id=1; Path=/; Max-Age=99999")),
    "max-age": Way("The answer is good for two hours.", document(FEED, Cache_Control="public, max-age=7200")),
    "max-age-on-304": Way(
        "Only the 304 says how long it is good.",
        in_turn(Answer(200, FEED, {"ETag": '"1"'}), Answer(304, headers={"Cache-Control": "max-age=7200"})),
    ),
    "max-age-huge": Way("The answer is good for a year.", document(FEED, Cache_Control="max-age=31536000")),
    "no-cache": Way("no-cache, and a max-age all the same.", document(FEED, Cache_Control="no-cache, max-age=86400")),
    "expires-zero": Way("Expires is 0.", document(FEED, Expires="0")),
    "expires-past": Way("It was stale when it came.", document(FEED, Date=TWO_HOURS_LATER, Expires=LONG_AGO)),
    "expires-later": Way(
        "Expires, by a clock that is years late.", document(FEED, Date=LONG_AGO, Expires=TWO_HOURS_LATER)
    ),
}

CODINGS = {
    "gzip": Way("gzip.", coded(gzip.compress(FEED), "gzip")),
    "deflate": Way("deflate, as the standard has it.", coded(zlib.compress(FEED), "deflate")),
    "deflate-raw": Way("deflate, as many servers have it.", coded(raw_deflate(FEED), "deflate")),
    "br": Way("Brotli.", coded(brotli.compress(FEED), "br")),
    "zstd": Way("Zstandard.", coded(zstandard.compress(FEED), "zstd")),
    "gzip-twice": Way("gzip in gzip, and said so.", coded(gzip.compress(gzip.compress(FEED)), "gzip, gzip")),
    "gzip-twice-said-once": Way("gzip in gzip, said once.", coded(gzip.compress(gzip.compress(FEED)), "gzip")),
    "gzip-unsaid": Way("gzip without a word.", document(gzip.compress(FEED))),
    "gzip-not": Way("It says gzip and is not.", coded(FEED, "gzip")),
    "br-not": Way("It says Brotli and is not.", coded(FEED, "br")),
    "gzip-cut": Way("gzip without its end.", coded(CUT, "gzip")),
    "deflate-cut": Way("deflate without its end.", coded(zlib.compress(FEED)[:-20], "deflate")),
    "br-cut": Way("Brotli without its end.", coded(brotli.compress(FEED)[:-20], "br")),
    "gzip-unsaid-cut": Way("gzip without a word and without its end.", document(CUT)),
    "gzip-broken": Way("gzip that is damaged.", coded(b"\x1f\x8bnonsense", "gzip")),
    "gzip-bomb": Way("30 MB in 30 KB.", coded(gzip.compress(BOMB), "gzip")),
    "gzip-ratio": Way(
        "5 MB in 5 KB: under the limit, and like no feed.", coded(gzip.compress(BOMB[:5_000_000]), "gzip")
    ),
    "gzip-bomb-unsaid": Way("The same, without a word.", document(gzip.compress(BOMB))),
    "gzip-bomb-twice": Way("The same, packed again.", coded(gzip.compress(gzip.compress(BOMB)), "gzip")),
    "br-bomb": Way("30 MB in 30 bytes.", coded(brotli.compress(BOMB, quality=5), "br")),
    "zstd-bomb": Way("30 MB in 1 KB.", coded(zstandard.compress(BOMB), "zstd")),
    "coding-unknown": Way("A coding nobody offered.", coded(b"\x1f\x9d\x90", "compress")),
    "coding-utf-8": Way("The character set, where the coding belongs.", coded(FEED, "utf-8")),
}

WAYS = CONNECTIONS | STATUSES | REDIRECTS | VALIDATORS | CODINGS
