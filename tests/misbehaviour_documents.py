"""Ways to misbehave with what is inside an answer, by name. Each is served as it should be, with an ETag, unless that
is the point."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.feeds import blog, item, rss
from tests.misbehaviour import FEED, Turn, Way, changing, document, in_turn
from tests.origin import Answer

TEXT = FEED.decode()
CAFE = rss([item(1, title="Café")]).decode()
LINKED = (
    '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/real.xml"></head><body/></html>'
)
ITEMS = "<title>A Blog</title><link>https://blog.example/</link>" + item(1)
RSS = '<rss version="2.0"><channel>'
END = "</channel></rss>"
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "A Blog",
        "items": [{"id": n, "url": f"https://blog.example/{n}", "title": f"Post {n}"} for n in (2, 1)],
    }
)


def feed(body: str) -> bytes:
    """An RSS document around this."""
    return f"{RSS}{body}{END}".encode()


def with_entities(declarations: str, reference: str) -> bytes:
    """A feed with entities of its own, one of which its post refers to."""
    return f"<!DOCTYPE rss [{declarations}]>{RSS}{item(1, text='TEXT')}{END}".replace("TEXT", reference).encode()


def atom(entry: str) -> bytes:
    """An Atom document of one entry, with this in it."""
    title = "<title>Post 1</title><id>urn:x:1</id>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry>{title}{entry}</entry></feed>'.encode()


def laughs() -> bytes:
    """Ten entities, each of ten of the one before: three billion bytes."""
    declared = '<!ENTITY l0 "lol">'
    declared += "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return with_entities(declared, "&l9;")


def with_dates(dates: Sequence[str]) -> bytes:
    return rss(item(number, date=date) for number, date in enumerate(dates))


def wishing(head: str) -> Way:
    return Way(f"A feed that says {head[:60]}.", document(rss([item(1)], head=head)))


def calling(before: str, body: str) -> Way:
    """A feed that names a URL of its own server, for a reader to fetch: `{spy}`."""

    def answer(turn: Turn) -> Answer:
        spy = turn.stage.origin.url("/spy", host="way.localhost")
        return Answer(200, f"{before}{RSS}{body}{END}".replace("{spy}", spy).encode())

    return Way("A reader is to fetch something else.", answer, {"/spy": Answer(200, b"spied")})


def mutable(
    about: str,
    title: str = "Post {k}",
    guid: str = "post-{k}",
    link: str = "https://blog.example/{k}",
    text: str = "Text {k}",
    head: str = "",
) -> Way:
    """Two posts, `k`, and what of them changes with each request, `n`."""

    def answer(turn: Turn) -> Answer:
        n, parts = turn.number, {"title": title, "guid": guid, "link": link, "text": text}
        posts = [item(k, **{name: part.format(k=k, n=n) for name, part in parts.items()}) for k in (2, 1)]
        return Answer(200, rss(posts, head=head.format(n=n)))

    return Way(about, answer, polls=3)


LABELS = {
    "type-html": Way("A feed called a page.", document(FEED, "text/html; charset=utf-8")),
    "type-octet-stream": Way("A feed called data.", document(FEED, "application/octet-stream")),
    "type-image": Way("A feed called a picture.", document(FEED, "image/png")),
    "type-garbage": Way("A feed called nonsense.", document(FEED, ";;charset=;=/")),
    "type-missing": Way("A feed called nothing.", Answer(200, FEED)),
    "charset-wrong-in-header": Way(
        "UTF-8, called Latin-1 by the server.", document(CAFE.encode(), "text/xml; charset=iso-8859-1")
    ),
    "charset-wrong-in-prolog": Way(
        "UTF-8, called Latin-1 by itself.", document(CAFE.replace("utf-8", "iso-8859-1").encode())
    ),
    "charset-unknown": Way("A character set there is not.", document(CAFE.replace("utf-8", "x-klingon").encode())),
    "charset-undeclared": Way("Latin-1 that is called UTF-8.", document(CAFE.encode("latin-1"))),
    "charset-only-in-header": Way(
        "Cyrillic, and only the server says which.",
        document(
            rss([item(1, title="Привет")]).decode().replace(' encoding="utf-8"', "").encode("koi8-r"),
            "text/xml; charset=koi8-r",
        ),
    ),
    "charset-double": Way("Two UTF-8 byte order marks.", document("\ufeff\ufeff".encode() + CAFE.encode())),
    "utf-8-with-bom": Way("A byte order mark before UTF-8.", document(CAFE.encode("utf-8-sig"))),
    "utf-16-with-bom": Way("UTF-16.", document(CAFE.replace("utf-8", "utf-16").encode("utf-16"))),
    "utf-16-without-bom": Way("UTF-16, unmarked.", document(CAFE.replace("utf-8", "utf-16").encode("utf-16-le"))),
    "utf-16-called-utf-8": Way(
        "UTF-16 that is called UTF-8.", document(CAFE.encode("utf-16"), "text/xml; charset=utf-8")
    ),
}

BROKEN = {
    "junk-before-prolog": Way(
        "A PHP warning comes first.", document(b"\n<b>Warning</b>: x in y.php on line 3\n" + FEED)
    ),
    "blank-before-prolog": Way("Empty lines come first.", document(b"\n\n  " + FEED)),
    "comment-behind": Way("A comment comes last.", document(FEED + b"<!-- cached -->\n")),
    "junk-behind": Way("A script comes last, as free hosts add it.", document(FEED + b"<script>track()</script>")),
    "control-characters": Way(
        "NUL, backspace and escape in a title.", document(rss([item(1, title="Po\x00s\x08t\x1b 1")]))
    ),
    "entity-html": Way("HTML entities in XML.", document(feed(item(1, title="X").replace("X", "Caf&eacute;&nbsp;2")))),
    "latin-that-looks-like-utf-8": Way(
        "Three letters whose Latin-1 bytes are one letter in UTF-8.", document(rss([item(1, title="Santé\u00a0»")]))
    ),
    "entity-undefined": Way(
        "An entity nobody knows.", document(feed(item(1, title="X").replace("X", "A &nonsense; B")))
    ),
    "ampersand": Way("A bare ampersand.", document(feed(item(1, title="X").replace("X", "Fish & Chips")))),
    "prefix-undeclared": Way("A namespace that nobody declared.", document(feed(item(1) + "<foo:bar>x</foo:bar>"))),
    "tags-crossed": Way(
        "End tags in the wrong order.", document(feed("<item><link>/1</link><title>Post 1</item></title>" + item(2)))
    ),
    "truncated": Way(
        "The feed breaks off in a post; later it is whole.",
        in_turn(Answer(200, blog([3, 2, 1])[:-120], {"ETag": '"1"'}), document(blog([3, 2, 1]), etag='"2"')),
    ),
    "truncated-later": Way(
        "An update breaks off in its new post; its ETag is that of the whole.",
        in_turn(
            document(FEED), Answer(200, blog([1, 2, 3])[:-150], {"ETag": '"2"'}), document(blog([1, 2, 3]), etag='"2"')
        ),
        polls=3,
    ),
    "truncated-for-ever": Way("The feed breaks off, always at the same place.", document(blog([3, 2, 1])[:-120])),
    "truncated-json": Way("A JSON Feed breaks off.", document(JSON_FEED[:-30].encode(), "application/feed+json")),
    "impossible-dates": Way(
        "Dates that are none, or of another age.",
        document(
            with_dates(
                ["soon", "Thu, 30 Feb 2026 25:61:00 GMT", "0001-01-01", "9999-12-31", "Thu, 01 Jan 1970 00:00:00 GMT"]
            )
        ),
    ),
    "odd-dates": Way(
        "Dates that can be read with some good will.",
        document(
            with_dates(["1764000000", "Mi, 05 Mai 2021 24:00:00 CEST", "2026-11-20T24:00:00Z", "20 noviembre 2026"])
        ),
    ),
    "future-dates": Way("Posts of the year 2090.", document(with_dates(["Sun, 01 Jan 2090 00:00:00 GMT"] * 2))),
    "script-everywhere": Way(
        "Script in title, text and links.",
        document(
            rss(
                [
                    item(
                        1,
                        title="<script>x()</script>One",
                        link="javascript:alert(1)",
                        text="<script>x()</script><p onclick=x()>Hi",
                    ),
                    item(
                        2,
                        link=" JaVaScript:alert(1)",
                        text='<a href="data:text/html,x">a</a><iframe src="//evil"></iframe>',
                    ),
                ],
                title="<img src=x onerror=x()>",
            )
        ),
    ),
}

NO_FEEDS = {
    "empty": Way("Nothing, with 200.", document(b"")),
    "blank": Way("White space.", document(b" \n\t ")),
    "page": Way("A web page.", document(b"<!doctype html><title>Hello</title><p>Hi", "text/html")),
    "page-with-feed": Way("A web page that announces its feed.", document(LINKED.encode(), "text/html")),
    "page-called-xml": Way("A login page, called a feed.", document(b"<html><body><form/></body></html>")),
    "page-then-feed": Way(
        "A captive portal at first.", in_turn(document(LINKED.encode(), "text/html", etag='"p"'), document(FEED))
    ),
    "sitemap": Way("A sitemap.", document(b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>')),
    "opml": Way("A list of feeds.", document(b'<opml version="2.0"><head/><body/></opml>')),
    "soap": Way("A web service.", document(b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>')),
    "error-xml": Way("An error, in XML.", document(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")),
    "json": Way("JSON that is no feed.", document(b'{"error": "not found"}', "application/json")),
    "json-list": Way("A JSON list.", document(b'[{"id": 1}]', "application/json")),
    "text": Way("Plain words.", document(b"Service is fine.\n", "text/plain")),
    "binary": Way("A picture.", document(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 10, "image/png")),
    "feed-without-posts": Way("A feed that is empty.", document(blog([]))),
    "json-feed": Way("A JSON Feed.", document(JSON_FEED.encode(), "application/feed+json")),
    "json-feed-with-bom": Way(
        "A JSON Feed behind a byte order mark.", document(JSON_FEED.encode("utf-8-sig"), "text/plain")
    ),
}

BOMBS = {
    "billion-laughs": Way("Ten nested entities, three billion bytes.", document(laughs()), heavy=True),
    "quadratic-blow-up": Way(
        "One entity of 50 KB, 5,000 times.",
        document(with_entities(f'<!ENTITY a "{"A" * 50_000}">', "&a;" * 5000)),
        heavy=True,
    ),
    "entity-to-itself": Way(
        "Two entities of each other.", document(with_entities('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;")), heavy=True
    ),
    "xxe-file": Way(
        "An entity that is our password file.",
        document(with_entities('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;")),
    ),
    "xxe-http": calling('<!DOCTYPE rss [<!ENTITY a SYSTEM "{spy}">]>', item(1).replace("Post 1", "Post 1&a;", 1)),
    "xxe-parameter": calling('<!DOCTYPE rss [<!ENTITY % a SYSTEM "{spy}"> %a;]>', item(1)),
    "external-dtd": calling('<!DOCTYPE rss SYSTEM "{spy}">', item(1)),
    "xinclude": calling(
        "", item(1) + '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{spy}" parse="text"/>'
    ),
    "unclosed-tags": Way("200,000 elements, one in the other.", document(feed(item(1) + "<a>" * 200_000)), heavy=True),
    "unclosed-tags-in-a-post": Way(
        "A post of 200,000 elements, one in the other.",
        document(rss([item(2, text="<b>" * 200_000), item(1)])),
        heavy=True,
    ),
    "unclosed-comment": Way("100,000 comments begin.", document(feed(item(1) + "<!-- " * 100_000)), heavy=True),
    "many-attributes": Way(
        "An element of 100,000 attributes.",
        document(feed(item(1) + "<a" + "".join(f" a{n}='x'" for n in range(100_000)) + "/>")),
        heavy=True,
    ),
    "many-namespaces": Way(
        "50,000 prefixes that nobody declared.",
        document(feed(item(1) + "".join(f"<p{n}:a/>" for n in range(50_000)))),
        heavy=True,
    ),
    "deep-json": Way("A JSON Feed, 500,000 lists deep.", document(b'{"items": ' + b"[" * 500_000), heavy=True),
    "too-many-posts": Way("10,001 posts.", document(blog(range(10_001))), heavy=True),
    "archive": Way(
        "All 6,000 posts of a blog, 9 MB of them.",
        document(
            rss(item(k, text=f"<p>{'Words, <b>bold</b> and <a href=/x>linked</a>. ' * 20}</p>") for k in range(6000))
        ),
        polls=1,
        heavy=True,
    ),
    "huge-post": Way("A post of 3 MB.", document(rss([item(1, text="<p>Word.</p>" * 250_000)])), heavy=True),
    "huge-title": Way("A title of 1 MB.", document(rss([item(1, title="T" * 1_000_000)])), heavy=True),
    "huge-feed": Way("A feed of 20 MB.", document(blog([1]) + b" " * 20_000_000)),
}

IDENTITIES = {
    "guids-missing": Way(
        "No guids.",
        changing(rss([item(2, guid=None), item(1, guid=None)]), rss([item(k, guid=None) for k in (3, 2, 1)])),
    ),
    "guids-blank": Way(
        "Guids of white space.", changing(*(rss([item(k, guid="  ") for k in ks]) for ks in ((2, 1), (3, 2, 1))))
    ),
    "guids-all-the-same": Way(
        "One guid for all.", changing(*(rss([item(k, guid="0") for k in ks]) for ks in ((2, 1), (3, 2, 1))))
    ),
    "links-all-the-same": Way(
        "One link for all, and no guids.",
        changing(*(rss([item(k, guid=None, link="https://blog.example/") for k in ks]) for ks in ((2, 1), (3, 2, 1)))),
    ),
    "guids-random": mutable("Other guids at each request.", guid="post-{k}-{n}"),
    "guids-move-to-https": Way(
        "The blog moves to https, guids and all.",
        changing(
            *(
                rss([item(k, guid=f"{s}://b.example/{k}", link=f"{s}://b.example/{k}") for k in (2, 1)])
                for s in ("http", "https")
            )
        ),
    ),
    "text-changes": mutable("A counter in each text.", text="Text {k}, read {n} times"),
    "links-change": mutable("A session in each link.", link="https://blog.example/{k}?sid={n}"),
    "updated-changes": Way(
        "Atom's updated is now, at each request.",
        lambda turn: Answer(200, atom(f"<updated>2026-11-23T11:59:{turn.number:02}Z</updated>")),
        polls=3,
    ),
    "back-dated": Way(
        "A new post is dated years ago.",
        changing(rss([item(1)]), rss([item(2, date="Mon, 04 Jan 2021 10:00:00 GMT"), item(1)])),
    ),
    "enclosures-only": Way(
        "A podcast without links, guids or titles.",
        changing(
            *(
                feed("".join(f'<item><enclosure url="https://p.example/{k}.mp3"/></item>' for k in ks))
                for ks in ((2, 1), (3, 2, 1))
            )
        ),
    ),
    "links-relative": Way(
        "Links without a host, or without a scheme.",
        document(feed("<link>https://blog.example/a/</link>" + item(1, link="/1") + item(2, link="//blog.example/2"))),
    ),
    "build-date-changes": mutable(
        "lastBuildDate is now.", head="<lastBuildDate>Mon, 23 Nov 2026 12:00:0{n} GMT</lastBuildDate>"
    ),
    "order-rotates": Way(
        "Another order at each request.", changing(blog([1, 2, 3]), blog([2, 3, 1]), blog([3, 1, 2])), polls=3
    ),
    "empties-and-returns": Way(
        "For a while there are no posts.", changing(FEED, blog([]), blog([2, 1], title="Back")), polls=3
    ),
    "shrinks": Way(
        "Older posts fall out, and come back.",
        changing(blog([3, 2, 1]), blog([3]), blog([3, 2, 1], title="Back")),
        polls=3,
    ),
    "identical-without-validators": Way("The same bytes, and no validators.", Answer(200, FEED)),
}

WISHES = {
    "ttl": wishing("<ttl>180</ttl>"),
    "ttl-absurd": wishing("<ttl>99999999999999999999</ttl>"),
    "ttl-nonsense": wishing("<ttl>-1 hours</ttl>"),
    "update-period": wishing(
        '<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>'
    ),
    "skip-hours": wishing(f"<skipHours>{''.join(f'<hour>{n}</hour>' for n in range(12, 21))}</skipHours>"),
    "skip-all-hours": wishing(f"<skipHours>{''.join(f'<hour>{n}</hour>' for n in range(24))}</skipHours>"),
    "skip-days": wishing("<skipDays><day>Monday</day></skipDays>"),
    "skip-nonsense": wishing(
        "<skipHours><hour>noon</hour><hour>99</hour></skipHours><skipDays><day>Someday</day></skipDays>"
    ),
}

WAYS = LABELS | BROKEN | NO_FEEDS | BOMBS | IDENTITIES | WISHES
