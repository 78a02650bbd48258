"""The tempers of the politeness audit's blogs: the ways in which they answer."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from tests.audit import DAY, HOUR, START, Blog, Temper
from tests.feeds import item, rss
from tests.origin import Answer, Raw, Request

FOR_SALE = '"sale"'
"""The ETag of a page that is no feed."""

_HUMANS_ONLY = b"<!doctype html><html><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={}"
_TWO_HOURS = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7200"}


def _conditional(blog: Blog, request: Request, now: datetime, **validators: str) -> Answer:
    """What a well-behaved server answers that has these validators."""
    fields = {**validators, "Date": format_datetime(now, usegmt=True), **dict(blog.fields)}
    if "ETag" in validators and request.headers["If-None-Match"]:
        matches = request.headers["If-None-Match"] == validators["ETag"]
    else:
        matches = validators.get("Last-Modified", "") == request.headers["If-Modified-Since"]
    return Answer(304, headers=fields) if matches else Answer(200, blog.document(now), fields)


def both(blog: Blog, request: Request, now: datetime) -> Answer:
    """ETag and Last-Modified, as most do."""
    return _conditional(blog, request, now, **{"ETag": blog.etag(now), "Last-Modified": blog.modified(now)})


def dated(blog: Blog, request: Request, now: datetime) -> Answer:
    """Last-Modified only, and not in the form of any RFC."""
    return _conditional(blog, request, now, **{"Last-Modified": f"about {blog.modified(now)}"})


def slow(blog: Blog, request: Request, now: datetime) -> Answer:
    """Takes its time, so that requests that overlap would show."""
    answer = both(blog, request, now)
    return Answer(answer.status, answer.body, answer.headers, delay=0.005)


def bare(blog: Blog, _request: Request, now: datetime) -> Answer:
    """No validators at all."""
    return Answer(200, blog.document(now), dict(blog.fields))


def restless(blog: Blog, _request: Request, now: datetime) -> Answer:
    """A new ETag and other bytes at every request, always 200."""
    nonce = f"<generator>{now.timestamp()}</generator>"
    return Answer(200, blog.document(now, nonce), {"ETag": f'"{now.timestamp()}"', **dict(blog.fields)})


def renewing(blog: Blog, request: Request, now: datetime) -> Answer:
    """Each 304 carries another ETag, and only the last one counts."""
    number = str(blog.posts(now))
    if (request.headers["If-None-Match"] or "").startswith(f'"{number}-'):
        return Answer(304, headers={"ETag": f'"{number}-{now.timestamp()}"'})
    return Answer(200, blog.document(now), {"ETag": f'"{number}-{now.timestamp()}"'})


def forgetful(blog: Blog, request: Request, now: datetime) -> Answer:
    """Has an ETag in odd weeks and none in even ones."""
    return both(blog, request, now) if (now - START).days // 7 % 2 == 0 else bare(blog, request, now)


def delta(blog: Blog, request: Request, now: datetime) -> Answer:
    """Sends only what is new to those who can take it (RFC 3229)."""
    known = request.headers["If-None-Match"]
    if known == blog.etag(now):
        return Answer(304, headers={"ETag": blog.etag(now)})
    if known and request.headers["A-IM"] == "feed":
        have = int(known.rpartition(" ")[2].strip('"'))
        news = (item(n, link=f"http://{blog.host}/{n}") for n in range(blog.posts(now), have, -1))
        return Answer(226, rss(news), {"ETag": blog.etag(now), "IM": "feed"})
    return Answer(200, blog.document(now), {"ETag": blog.etag(now)})


def moved(blog: Blog, request: Request, _now: datetime) -> Answer:
    """Gone to its new home for good."""
    port = request.headers["Host"].partition(":")[2]
    return Answer(301, headers={"Location": f"http://{blog.new_home}:{port}/new"})


def visiting(blog: Blog, request: Request, now: datetime) -> Answer:
    """At its new home for the time being."""
    return Answer(302, headers=moved(blog, request, now).headers)


def tired(blog: Blog, request: Request, now: datetime) -> Answer:
    """Sends on to its new home, and wants nothing more to do for two hours."""
    return Answer(302, headers={**moved(blog, request, now).headers, **_TWO_HOURS, "Retry-After": "7200"})


def winding(blog: Blog, request: Request, now: datetime) -> Answer:
    """Redirects within itself, and counts each request."""
    if request.path == "/feed":
        return Answer(302, headers={"Location": "/new", **_TWO_HOURS})
    return counting(blog, request, now)


def members_only(temper: Temper) -> Temper:
    """Answers those who show a login and a key, and nobody else."""

    def answer(blog: Blog, request: Request, now: datetime) -> Answer | Raw:
        if request.headers["Authorization"] and request.headers["X-Api-Key"]:
            return temper(blog, request, now)
        return Answer(401, headers={"WWW-Authenticate": "Basic realm=members"})

    return answer


def busy(blog: Blog, request: Request, now: datetime) -> Answer:
    """Every third day from noon to four it wants to be left alone for five hours."""
    if (now - START).days % 3 == 0 and 12 <= now.hour < 16:
        return Answer(429, headers={"Retry-After": "18000"})
    return both(blog, request, now)


def repairing(blog: Blog, request: Request, now: datetime) -> Answer:
    """Down on the second Tuesday, and says until when, by its own clock."""
    end = START + 9 * DAY + 20 * HOUR
    if START + 9 * DAY <= now < end:
        fields = {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(end, usegmt=True)}
        return Answer(503, headers=fields)
    return both(blog, request, now)


def counting(blog: Blog, request: Request, now: datetime) -> Answer:
    """Allows one request, and counts in its headers."""
    answer = both(blog, request, now)
    return Answer(answer.status, answer.body, {**answer.headers, **_TWO_HOURS})


def challenging(blog: Blog, request: Request, now: datetime) -> Answer:
    """From the fifth day to the seventh it checks for browsers, and wants programs to stay away for two days."""
    if START + 4 * DAY <= now < START + 6 * DAY:
        return Answer(403, _HUMANS_ONLY, {"cf-mitigated": "challenge", "Retry-After": "172800"})
    return both(blog, request, now)


def walled(blog: Blog, request: Request, now: datetime) -> Answer:
    """As `challenging`, in the older manner: a busy server with a page for humans, and a date."""
    if START + 4 * DAY <= now < START + 6 * DAY:
        until = format_datetime(now + 2 * DAY, usegmt=True)
        fields = {"Content-Type": "text/html", "Date": format_datetime(now, usegmt=True), "Retry-After": until}
        return Answer(503, _HUMANS_ONLY, fields)
    return both(blog, request, now)


def broken(blog: Blog, request: Request, now: datetime) -> Answer:
    """500 for two days, 404 for three, a parking page for another two."""
    day = (now - START).days
    if 5 <= day < 7:
        return Answer(500)
    if 7 <= day < 10:
        return Answer(404, b"<html>not here</html>")
    if 10 <= day < 12:
        return Answer(200, b"<!doctype html><html><title>This domain is for sale</title></html>", {"ETag": FOR_SALE})
    return both(blog, request, now)


def dead(_blog: Blog, _request: Request, _now: datetime) -> Raw:
    """Takes the request and closes the connection."""
    return Raw([])


def gone(blog: Blog, request: Request, now: datetime) -> Answer:
    """Withdrawn on the third day."""
    return Answer(410) if (now - START).days >= 3 else both(blog, request, now)
