"""Every kind of issue as it goes out, looked at from outside: by the judge, a spam filter, two mail parsers that are
not ours, and beside its page on the web (research/newsletters.md section 5, items 1 to 5 and 14 to 27)."""

from __future__ import annotations

import hashlib
import json
import mailbox
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from lxml import html as lxml_html

from tests.issue_mails import CASES, IDS, LOOKS, READER, Posted, post, posted
from tests.origin import Answer, Origin
from tests.render_samples import (
    CHINESE,
    CYRILLIC,
    EMOJI,
    FIXTURES,
    FOOTER,
    FROZEN_AT,
    HOSTILE_TITLE,
    PARAGRAPHS,
    UPDATES,
    issue,
    written,
)
from tests.sites import Site
from tests.test_render_mail import headlines_of, tree, urls_in
from tests.test_render_pages import LINKS
from tidings.mail.judging import Asked, judge
from tidings.mail.spam import NOTABLE, spam_score
from tidings.render.budget import sent_bytes
from tidings.render.pages import render_issue_page
from tidings.web.app import create_app

ROOT = Path(__file__).resolve().parents[1]
SPAM_SETTINGS = ("use_bayes 0", "report_safe 0", "add_header all Scores _TESTSSCORES(,)_")


@pytest.fixture(params=CASES, ids=IDS)
def case(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    name, look, language = request.param
    return name, look, language


@pytest.fixture
def sent(case: tuple[str, str, str]) -> Posted:
    return posted(*case)


def needed(program: str) -> str:
    """Where a program is; without it the test is skipped, but never in CI."""
    path = shutil.which(program)
    if not path and os.environ.get("CI"):
        pytest.fail(f"{program} is not installed, and CI must run this test.")
    if not path:
        pytest.skip(f"{program} is not installed.")
    return path


def read(message: bytes) -> EmailMessage:
    opened = message_from_bytes(message, policy=SMTP.clone(refold_source="none"))
    assert isinstance(opened, EmailMessage)
    return opened


def parts_of(message: bytes) -> tuple[str, str]:
    """The text and the HTML as Python's parser reads them."""
    plain, rich = read(message).iter_parts()
    return plain.get_content(), rich.get_content()


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_judge_finds_nothing(sent: Posted) -> None:
    """Neither red nor yellow: there is no finding that a fixture has to be forgiven."""
    assert judge(sent.message, Asked(FOOTER.postal_address)) == []


def test_pythons_parser_reads_it_without_defects(sent: Posted) -> None:
    """Two parts in UTF-8, text first; no defect in a part or a header; written out again it is the same message."""
    message = read(sent.message)
    parts = list(message.walk())
    assert [part.get_content_type() for part in parts] == ["multipart/alternative", "text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts[1:]] == ["utf-8", "utf-8"]
    assert not [defect for part in parts for defect in part.defects]
    assert not [defect for part in parts for value in part.values() for defect in value.defects]
    assert message.as_bytes() == sent.message
    assert [
        len(line) for line in sent.message.split(b"\r\n") if len(line) > 998 or b"\n" in line or b"\r" in line
    ] == []
    assert sent.message.isascii()
    assert [words(part) for part in parts_of(sent.message)] == [words(sent.mail.text), words(sent.mail.html)]


def test_the_header_is_the_readers_and_the_lists(sent: Posted) -> None:
    """One reader, one sender and nobody else; a subject that fits; a Message-ID of the issue and the reader."""
    message = read(sent.message)
    assert (message["To"], message["From"]) == (READER, "Planet Harbour <digest@planet.example>")
    assert 0 < len(str(message["Subject"])) <= 70
    assert str(message["Subject"]) == words(str(message["Subject"]))
    assert message["Date"].datetime == FROZEN_AT
    assert message["Date"].datetime.tzinfo
    assert re.fullmatch(r"<friday\.12\.[0-9a-f]{24}@planet\.example>", message["Message-ID"])
    assert len(message.keys()) == len(set(message.keys())) == 16


def test_mblaze_reads_the_same(sent: Posted, tmp_path: Path) -> None:
    """A parser that shares no code with Python's: the same structure, texts and subject."""
    file = tmp_path / "issue.eml"
    file.write_bytes(sent.message)
    shown = mblaze(tmp_path, "mshow", "-t", str(file)).decode().splitlines()[1:]
    types = [re.sub(r" size=\d+.*", "", line.strip()) for line in shown]
    assert types == ["1: multipart/alternative", "2: text/plain", "3: text/html"]
    for number, part in zip("23", parts_of(sent.message), strict=True):
        read_part = mblaze(tmp_path, "mshow", "-O", str(file), number).decode()
        assert read_part.replace("\r\n", "\n") == part.replace("\r\n", "\n")
    subject = mblaze(tmp_path, "mhdr", "-d", "-h", "subject:", str(file)).decode().rstrip("\n")
    assert subject == str(read(sent.message)["Subject"])


def mblaze(home: Path, program: str, *arguments: str) -> bytes:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MBLAZE": str(home), "HOME": str(home)}
    (home / "seq").touch()
    return subprocess.run(
        [needed(program), *arguments], env=environment, capture_output=True, timeout=60, check=True
    ).stdout


def test_reformime_reads_the_same(sent: Posted) -> None:
    """And one more: the sections that Courier sees, each with its type, encoding and character set."""
    shown = subprocess.run(
        [needed("reformime"), "-i"], input=sent.message, capture_output=True, timeout=60, check=True
    ).stdout.decode()
    sections = [dict(re.findall(r"^([\w-]+): (.*)$", block, re.MULTILINE)) for block in shown.strip().split("\n\n")]
    assert [(one["section"], one["content-type"]) for one in sections] == [
        ("1", "multipart/alternative"), ("1.1", "text/plain"), ("1.2", "text/html"),
    ]  # fmt: skip
    encodings = [part["Content-Transfer-Encoding"] for part in read(sent.message).iter_parts()]
    assert [one["content-transfer-encoding"] for one in sections[1:]] == encodings
    assert {one["charset"] for one in sections[1:]} == {"utf-8"}
    assert int(sections[0]["ending-pos"]) == len(sent.message)


def test_both_parts_have_the_same_headlines_and_links(sent: Posted) -> None:
    """As they arrive: each headline of the HTML is a numbered one of the text, and both have the same set of URLs."""
    text, html = parts_of(sent.message)
    text = text.replace("\r\n", "\n")
    headlines = [words(heading.text_content()) for heading in headlines_of(html)]
    # A letter begins with a list of contents, numbered too.
    told = text.partition("-" * 64)[2] if sent.content.look == "letter" else text
    numbered = re.findall(r"^(\d+)\. (.*)$", told, re.MULTILINE)
    assert [f"{number}. {name}" for number, name in enumerate(headlines, 1)] == [
        f"{number}. {words(name)}" for number, name in numbered
    ]
    assert urls_in(text) == set(tree(html).xpath("//a/@href"))


def test_the_inbox_shows_the_first_headlines(sent: Posted) -> None:
    """What is seen first of the HTML are headlines and then padding; the text part has neither."""
    first = str(tree(sent.mail.html).xpath("string(//body/div[1])"))
    shown = first.partition("\u034f")[0].rstrip("\u2007")
    headlines = [words(heading.text_content()) for heading in headlines_of(sent.mail.html)]
    assert 0 < len(shown) <= 110
    assert " · ".join(headlines).startswith(shown.rstrip("…").rstrip())
    assert len(first) >= 150
    assert "\u034f" not in sent.mail.text


def test_spamassassin_gives_no_point(tmp_path: Path) -> None:
    """What its rules hold against a message stays below half a point for every fixture in both looks, one of them in
    all languages; what they say in its favour, as that it is a list's, is not counted."""
    asked = [case for case in CASES if case[0] == "usual" or not case[2]]
    suspects = [case for case, points in zip(asked, points_in_a_box(asked, tmp_path), strict=True) if points >= NOTABLE]
    # In a process of many messages rules that count (MIXED_ES) begin with what the message before left them.
    alone = {case: spam_score(posted(*case).message) for case in suspects[:3]}
    assert {case: verdict for case, verdict in alone.items() if not verdict or against(verdict.rules) >= NOTABLE} == {}
    assert len(suspects) <= 3


def points_in_a_box(cases: list[tuple[str, str, str]], folder: Path) -> list[float]:
    """The points against each message. One process for all: most of what a message costs is reading the rules."""
    program = needed("spamassassin")
    box = b"".join(b"From list@planet.example Fri Nov 20 07:00:00 2026\n" + unix(posted(*case)) for case in cases)
    (folder / "in.mbox").write_bytes(box)
    command = [program, "--local", "--test-mode", "--nocreate-prefs", *(f"--cf={one}" for one in SPAM_SETTINGS)]
    with (folder / "out.mbox").open("wb") as out:
        subprocess.run([*command, "--mbox", str(folder / "in.mbox")], stdout=out, timeout=240, check=True)
    scores = [str(message["X-Spam-Scores"]) for message in mailbox.mbox(folder / "out.mbox")]
    assert all("HTML_MESSAGE=" in said for said in scores)
    rules = (re.findall(r"([A-Z][A-Z0-9_]+)=(-?[\d.]+)", said) for said in scores)
    return [against([(name, float(points)) for name, points in found]) for found in rules]


def unix(sent: Posted) -> bytes:
    return sent.message.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ") + b"\n"


def against(rules: Iterable[tuple[str, float]]) -> float:
    return sum(points for _, points in rules if points > 0)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "text", [PARAGRAPHS[0], CYRILLIC, CHINESE, EMOJI], ids=["ascii", "cyrillic", "chinese", "emoji"]
)
def test_two_hundred_posts_in_any_script_fit(text: str, look: str) -> None:
    """The HTML stays below what Gmail shows and the message below 150 KB, however its characters are encoded; the way
    out is in the first 20 KB and at the end."""
    items = (written(text, number, title=f"{text[:50]} {number}") for number in range(200))
    sent = post(issue(*items, look=look, updates=UPDATES))
    html = sent.mail.html.encode()
    assert 70_000 < len(html) <= 90_000 or len(sent.message) > 140_000
    assert len(sent.message) <= 150_000
    assert html.index(b"mailto:digest@planet.example") < 20_000
    assert html.rindex(b"mailto:digest@planet.example") > len(html) - 3_000


def test_what_is_reckoned_is_what_is_sent(sent: Posted) -> None:
    """The size that decides what is cut is that of the message, but for the header and a percent."""
    reckoned = sent_bytes(sent.mail.html) + sent_bytes(sent.mail.text)
    assert -0.01 * reckoned < len(sent.message) - reckoned < 1_500 + 0.01 * reckoned


JSON_TITLES = (
    HOSTILE_TITLE,
    "News\r\nBcc: thief@evil.example\r\n\r\nA body of its own",
    "=?utf-8?q?=0D=0ABcc:_thief=40evil.example?=",
    "\u202eelpmaxe.live\u2066\u2067 news\u0000\u0085\u2028Subject: other",
    "A" * 10_000,
    "漢字 " * 3_000,
)


@pytest.mark.parametrize("title", JSON_TITLES, ids=range(len(JSON_TITLES)))
def test_a_feed_can_touch_no_header(site: Site, origin: Origin, title: str) -> None:
    """From a document on a server to the file that is mailed: a title adds no header, ends none and decodes to none."""
    entry = {"id": "1", "url": "https://evil.example/1", "title": title, "content_text": "Hello."}
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "items": [entry],
        "authors": [{"name": title}],
    }
    origin.serve(
        "/feed", lambda _: Answer(body=json.dumps(feed).encode(), headers={"Content-Type": "application/feed+json"})
    )
    site.configure([origin.url("/feed")], subscribers=[READER])
    site.run("poll")
    site.run("send", "weekly")
    (file,) = (site.folder / "outbox").glob("*.eml")
    raw = file.read_bytes()
    message = read(raw)
    assert set(message.keys()) == {*read(posted("usual").message).keys(), "Reply-To"}
    assert not [defect for part in message.walk() for defect in part.defects]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    shown = str(message["Subject"])
    assert shown.isprintable()
    assert len(shown) <= 70
    assert (message["To"], [part.get_content_type() for part in message.iter_parts()]) == (
        READER,
        ["text/plain", "text/html"],
    )
    text, html = parts_of(raw)
    assert "Bcc:" not in {line.split(" ")[0] for line in text.splitlines()}
    assert not tree(html).xpath("//script | //@onerror")


def digest_of_messages() -> str:
    names = ("usual", "groups", "rtl", "hostile")
    messages = (posted(name, look, language) for name in names for look in LOOKS for language in ("", "fr"))
    return hashlib.sha256(b"".join(one.message for one in messages)).hexdigest()


def test_the_same_bytes_in_any_process() -> None:
    """Messages are the same byte for byte in fresh processes with other seeds for hashes, and in this one."""
    code = "from tests.test_issue_fixtures import digest_of_messages as made; print(made())"
    others = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout.strip()
        for seed in ("1", "4711")
    }  # fmt: skip
    assert others == {digest_of_messages()}


@pytest.mark.parametrize("name", FIXTURES)
def test_the_page_is_the_mail_without_what_is_personal(name: str) -> None:
    """Story by story the same headline, address and words; a mail that was cut has the beginning. What the mail counts
    is listed, and none of the reader's own links is there."""
    sent = posted(name)
    page = tree(render_issue_page(sent.content, LINKS))
    in_mail, on_page = list(stories(tree(sent.mail.html))), list(articles(page))
    whole = len(in_mail) == len(sent.content.items) and len(sent.mail.html.encode()) < 80_000
    assert in_mail == on_page if whole else len(in_mail) <= len(on_page)
    for (headline, url, said), (on_web, link, full) in zip(in_mail, on_page, strict=False):
        assert (headline, url) == (on_web, link)
        assert full.startswith(said)
    listed = page.xpath("//section[@aria-labelledby='more']//li")
    assert len(listed) == len(sent.content.more)
    everything = lxml_html.tostring(page, encoding="unicode")
    assert not [one for one in ("mailto:", "nsubscribe", READER, "Pier 4") if one in everything]


Story = tuple[str, list[str], str]


def stories(mail: lxml_html.HtmlElement) -> Iterator[Story]:
    for cell in mail.xpath("//td[*[contains(concat(' ', @class, ' '), ' h ')]]"):
        heading = cell.xpath("*[contains(concat(' ', @class, ' '), ' h ')]")[0]
        body = cell.xpath("div[contains(concat(' ', @class, ' '), ' b ')]")
        yield words(heading.text_content()), heading.xpath("a/@href"), words(body[0].text_content()) if body else ""


def articles(page: lxml_html.HtmlElement) -> Iterator[Story]:
    """Without the words that stand for pictures: mails have the pictures."""
    for article in page.iter("article"):
        for link in article.xpath(".//*[@class='pic']"):
            link.drop_tree()
        heading, body = article.xpath("h2 | h3")[0], article.xpath("div[@class='body']")
        yield words(heading.text_content()), heading.xpath("a/@href"), words(body[0].text_content()) if body else ""


def test_the_page_needs_no_script_and_no_cookie(tmp_path: Path) -> None:
    """Served, it forbids scripts twice, in the page and by a header, and sets no cookie."""
    page = render_issue_page(posted("usual").content, LINKS)
    (tmp_path / "friday-12.html").write_text(page, encoding="utf-8")
    answer = create_app(tmp_path).test_client().get("/friday-12.html")
    (policy,) = tree(answer.text).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    for said in (policy, answer.headers["Content-Security-Policy"]):
        assert "default-src 'none'" in said
        assert "script-src" not in said
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert not tree(answer.text).xpath("//script | //@*[starts-with(name(), 'on')] | //form | //iframe")


def test_what_a_reader_has_is_the_issue(case: tuple[str, str, str]) -> None:
    """A fixture in another language differs in the words around its posts, and in nothing that a post says."""
    name, look, language = case
    if not language:
        return
    there, here = tree(posted(name, look, language).mail.html), tree(posted(name, look).mail.html)
    assert list(stories(there)) == list(stories(here))
    assert (there.get("lang"), there.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
    assert here.get("lang") == "en"
