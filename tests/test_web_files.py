"""How published files go out: tags that stand for bytes, codings, parts, and a memory that does not grow."""

from __future__ import annotations

import gzip
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest

from tests.test_web import Reply, ask, serving
from tidings.web.files import _wanted
from tidings.web.shelf import Shelf

TEXT = b"<feed>" + b"a post about feeds; " * 5_000 + b"</feed>"
OLD = 1_700_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    public = tmp_path / "public"
    (public / "tags/open source").mkdir(parents=True)
    (public / "empty").mkdir()
    (public / "atom.xml").write_bytes(TEXT)
    (public / "small.txt").write_bytes(b"small")
    (public / "index.html").write_bytes(b"<!doctype html>")
    (public / "tags/open source/index.html").write_bytes(b"<!doctype html>tag")
    return public


def get(folder: Path, path: str = "/atom.xml", method: str = "GET", **headers: str) -> Reply:
    with serving(folder) as server:
        return ask(server, path, method, **headers)


# ------------------------------------------------------------------------------------------------------------- codings


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.1, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0, br;q=0", None),
        ("identity", None),
        ("deflate", None),
        ("*", "br"),
        ("*;q=0", None),
        ("gzip;q=nonsense", None),
        (",,;;q=", None),
        ("gzip" + ";x" * 80, "gzip"),
        ("gzip" + ";x" * 500, None),  # no client sends so much
    ],
)
def test_the_smallest_coding_that_is_taken(folder: Path, accepted: str, coding: str | None) -> None:
    """Brotli before gzip, as the client's qualities have it; whoever says nothing gets the file as it is."""
    reply = get(folder, **({"Accept_Encoding": accepted} if accepted else {}))
    assert reply.headers["Content-Encoding"] == coding
    decode = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}[coding]
    assert decode(reply.body) == TEXT
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.headers["Content-Type"] == "application/xml; charset=utf-8"


def test_a_long_wish_is_not_remembered(folder: Path) -> None:
    """A header of thousands of bytes, another one each time, is answered with the file as it is and costs no memory;
    one that is larger than any browser sends is refused."""
    before = _wanted.cache_info().currsize
    with serving(folder) as server:
        long = ask(server, "/atom.xml", **{"Accept-Encoding": f"br, {'x' * 5_000}"})
        larger = ask(server, "/atom.xml", **{"Accept-Encoding": "x" * 20_000})
    assert (long.status, long.headers["Content-Encoding"], long.body) == (200, None, TEXT)
    assert larger.status == 431
    assert _wanted.cache_info().currsize == before


def test_what_is_small_stays_as_it_is(folder: Path) -> None:
    """A file for which compressing gains nothing is the same for all, and caches are told nothing else."""
    reply = get(folder, "/small.txt", Accept_Encoding="br, gzip")
    assert (reply.body, reply.headers["Content-Encoding"], reply.headers["Vary"]) == (b"small", None, None)


def test_each_coding_has_a_tag_of_its_own(folder: Path) -> None:
    """A strong tag stands for the bytes that are sent. Who has one coding has the file, whatever a server in between
    asks for, and is told of the one that it has."""
    with serving(folder) as server:
        tags = {
            coding: ask(server, "/atom.xml", Accept_Encoding=coding).headers["ETag"]
            for coding in ("identity", "gzip", "br")
        }
        assert len(set(tags.values())) == 3
        assert not any(tag.startswith("W/") for tag in tags.values())
        for tag in tags.values():
            for other in tags:
                reply = ask(server, "/atom.xml", Accept_Encoding=other, If_None_Match=tag)
                assert (reply.status, reply.headers["ETag"]) == (304, tag)


# ---------------------------------------------------------------------------------------------------------- validators


def test_the_same_bytes_have_the_same_tag(folder: Path) -> None:
    """Written again, at another time, by another process: whoever has them is sent nothing."""
    before = get(folder)
    (folder / "atom.xml").unlink()
    (folder / "atom.xml").write_bytes(TEXT)
    os.utime(folder / "atom.xml", (OLD, OLD))
    after = get(folder, If_None_Match=before.headers["ETag"])
    assert (after.status, after.body) == (304, b"")
    assert get(folder).headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_other_bytes_of_the_same_length_and_time_have_another_tag(folder: Path) -> None:
    """Nothing but the bytes counts."""
    with serving(folder) as server:
        os.utime(folder / "atom.xml", (OLD, OLD))
        before = ask(server, "/atom.xml").headers["ETag"]
        new = folder / "new"
        new.write_bytes(TEXT.replace(b"feeds", b"seeds"))
        os.utime(new, (OLD, OLD))
        new.replace(folder / "atom.xml")
        after = ask(server, "/atom.xml", If_None_Match=before)
    assert after.status == 200
    assert b"seeds" in after.body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": 'W/{tag}, "other"'}, 304),
        ({"If_None_Match": '"other", {tag}'}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": "nonsense"}, 200),
        ({"If_Modified_Since": "{date}"}, 304),
        ({"If_Modified_Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": "{date}"}, 200),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": "{tag}"}, 200),
    ],
)
def test_conditions(folder: Path, sent: dict[str, str], status: int) -> None:
    """A tag counts before a date (RFC 9110 section 13.2.2); what is no condition is none."""
    first = get(folder)
    values = {"{tag}": first.headers["ETag"], "{date}": first.headers["Last-Modified"]}
    for name, text in sent.items():
        for mark, value in values.items():
            text = text.replace(mark, value)
        sent = {**sent, name: text}
    reply = get(folder, **sent)
    assert reply.status == status
    if status == 304:
        same = ("ETag", "Cache-Control", "Vary")  # RFC 9110 section 15.4.5
        assert [reply.headers[name] for name in same] == [first.headers[name] for name in same]
        assert reply.headers["Content-Length"] in (None, "0")


# --------------------------------------------------------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=-9", -9, None),
        ("bytes=100-", 100, None),
        ("bytes=0-99999999", 0, None),
    ],
)
def test_parts_are_of_the_file_itself(folder: Path, wanted: str, first: int, last: int | None) -> None:
    """Whatever coding is taken with them, so that parts fit together."""
    reply = get(folder, Range=wanted, Accept_Encoding="br, gzip")
    assert (reply.status, reply.body) == (206, TEXT[first:last])
    assert reply.headers["Content-Encoding"] is None


def test_parts_past_the_end_are_refused(folder: Path) -> None:
    """With a page of ours that says so."""
    assert get(folder, Range="bytes=99999999-").status == 416


@pytest.mark.parametrize("path", ["/absent.html", "/posts/", "/.hidden", "/%00"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_said_by_the_published_page(folder: Path, method: str, path: str) -> None:
    """The very bytes that a host of static files shows, kept by no cache; without them a page of the server's."""
    page = "<!doctype html><title>Nøthing</title><style>p{}</style>".encode()
    assert get(folder, path, method).status == 404
    (folder / "404.html").write_bytes(page)
    reply = get(folder, path, method)
    assert (reply.status, reply.body) == (404, page if method == "GET" else b"")
    assert (reply.headers["Content-Type"], reply.headers["Cache-Control"]) == ("text/html; charset=utf-8", "no-store")


@pytest.mark.parametrize("wanted", ["bytes=0-9,20-29", "bytes=0-0,-1", "bytes=0-9, 5-14, 10-19", "lines=1-2", "rows"])
def test_several_parts_are_all_of_it(folder: Path, wanted: str) -> None:
    """Who asks for several parts, or in no known way, has the whole (RFC 9110 section 14.2 allows that)."""
    reply = get(folder, Range=wanted)
    assert (reply.status, reply.body, reply.headers["Accept-Ranges"]) == (200, TEXT, "bytes")


def test_a_condition_that_fails_sends_no_file(folder: Path) -> None:
    """412 says that the file is another by now, on a page that is no cache's to keep as the file."""
    reply = get(folder, If_Match='"other"')
    assert (reply.status, reply.headers["Cache-Control"]) == (412, "no-store")
    assert TEXT[:100] not in reply.body
    assert len(reply.body) < 10_000


def test_a_part_of_what_has_changed_is_all_of_it(folder: Path) -> None:
    """If-Range with an old tag: the client has the beginning of another file."""
    assert get(folder, Range="bytes=5-", If_Range='"old"').body == TEXT


# ------------------------------------------------------------------------------------------------------------- folders


def test_a_folder_is_found_without_its_slash(folder: Path) -> None:
    """Relative links in its page count from the slash; the way there holds under any path."""
    reply = get(folder, "/tags/open%20source")
    assert (reply.status, reply.headers["Location"]) == (308, "./open%20source/")
    assert get(folder, "/tags/open%20source/").body.endswith(b"tag")
    assert get(folder, "/empty").status == 404
    assert get(folder, "/empty/").status == 404


@pytest.mark.parametrize("name", ["javascript:alert(1)", "//evil.example", "a\r\nb: c"])
def test_no_name_leads_elsewhere(folder: Path, name: str) -> None:
    """A name that looks like an address, or like headers, is a name."""
    from urllib.parse import quote

    (folder / name.strip("/")).mkdir()
    (folder / name.strip("/") / "index.html").write_bytes(b"x")
    reply = get(folder, f"/{quote(name)}")
    assert reply.status in (308, 404)
    assert (reply.headers["Location"] or "./").startswith("./")
    assert reply.headers["b"] is None


# -------------------------------------------------------------------------------------------------------------- memory


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """However many files are asked for, and whatever codings: the ones asked for least lately go."""
    shelf = Shelf(kept_bytes=50_000)
    for number in range(100):
        path = tmp_path / str(number)
        path.write_bytes(os.urandom(2_000))
        volume = shelf.take(path)
        assert volume is not None
        assert len(volume.coded("gzip")) > 1_900
    kept = [volume for _, volume in shelf._volumes.values()]
    assert sum(one.room for one in kept) == shelf._held <= 50_000
    assert [one.path.name for one in kept] == [str(number) for number in range(100 - len(kept), 100)]


class Yielding:
    """A lock after which others have their turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        time.sleep(0.002)


def test_what_is_kept_is_counted_once(tmp_path: Path) -> None:
    """Many read a file at the same time that is new each time: two small ones still fit beside each other."""
    shelf, changing, one, other = Shelf(10_000), tmp_path / "changing", tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"x" * 500)
    other.write_bytes(b"x" * 500)
    shelf._lock = Yielding()  # type: ignore[assignment]
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            changing.write_bytes(b"%4d" % number * 250)
            list(pool.map(shelf.take, [changing] * 8))
    changing.unlink()
    first, second = shelf.take(one), shelf.take(other)
    assert shelf.take(changing) is None
    assert shelf.take(one) is first
    assert shelf.take(other) is second


def test_a_large_file_is_not_kept_but_has_a_tag(tmp_path: Path) -> None:
    """It is read from the disk each time, and hashed once."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * 5_000)
    shelf = Shelf(largest=4_999)
    volume = shelf.take(path)
    assert volume is not None
    assert (volume.body, volume.can_be_coded) == (None, False)
    assert shelf.take(path) is volume
    small = Shelf().take(path)
    assert small is not None
    assert small.digest == volume.digest
    path.unlink()
    assert shelf.take(path) is None
    assert shelf._held == 0


def test_many_ask_while_it_is_written_anew(folder: Path) -> None:
    """Eight readers ask all the time while the file is replaced a hundred times: each answer is one whole version, and
    its tag is that of its bytes."""
    versions = [b"<feed>" + bytes([65 + number % 26]) * (2_000 + number) + b"</feed>" for number in range(100)]
    shelf, path, wrong, stop = Shelf(), folder / "atom.xml", list[str](), threading.Event()
    digests = {}
    for version in versions:
        path.write_bytes(version)
        volume = Shelf().take(path)
        assert volume is not None
        digests[volume.digest] = version

    def read() -> None:
        while not stop.is_set():
            volume = shelf.take(path)
            if volume is None or digests.get(volume.digest) != gzip.decompress(volume.coded("gzip")):
                wrong.append(str(volume))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number, version in enumerate(versions):
        half = folder / f".{number}.partial"
        half.write_bytes(version)
        half.replace(path)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    last = shelf.take(path)
    assert last is not None
    assert last.body == versions[-1]
