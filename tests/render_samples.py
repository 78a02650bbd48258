"""Posts and issues to render: varied in language, length and habit, and all made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.model import AlsoIn, Enclosure, IssueContent, IssueItem, MoreItem, Picture, StoredPost, UpdateItem
from tidings.posts.clean import clean
from tidings.render.mail import MailFooter

FROZEN_AT = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)

LONG_CODE = (
    "<pre><code>def due(rows, now):\n    return sorted((row for row in rows if row.next_poll_at &lt;= now and not "
    "row.disabled and row.retry_after is None), key=lambda row: (row.next_poll_at, row.feed_id))\n\n"
    "for row in due(load(), clock()):\n    poll(row)</code></pre>"
)
WIDE_TABLE = (
    "<table><thead><tr><th>Workload</th><th>Rows</th><th>Row store, ms</th><th>Column store, ms</th><th>Ratio</th>"
    "<th>Peak memory, MB</th><th>Remarks</th></tr></thead><tbody>"
    "<tr><td>Point look-up</td><td>1</td><td>0.04</td><td>1.9</td><td>0.02</td><td>3</td><td>index, warm</td></tr>"
    "<tr><td>Daily aggregate</td><td>48,000,000</td><td>31,200</td><td>410</td><td>76</td><td>220</td>"
    "<td>eight threads</td></tr></tbody></table>"
)
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2

ARABIC = IssueItem(
    story=4,
    post_id=4,
    url="https://daftar.example/2026/11/cache",
    title="لماذا SQLite كافية لمعظم المواقع الصغيرة؟",
    source="دفتر المبرمج",
    source_url="https://daftar.example/",
    author="ليلى حداد",
    published=datetime(2026, 11, 18, 9, 30, tzinfo=UTC),
    language="ar",
    direction="rtl",
    html="<p>قضيت ثلاث سنوات أدير خادم PostgreSQL لموقع يزوره أربعون شخصًا في اليوم. ثم نقلت كل شيء إلى ملف واحد، "
    "ولم يلاحظ أحد الفرق سواي: صارت النسخة الاحتياطية أمر <code>cp</code> واحدًا.</p>"
    "<blockquote><p>أفضل قاعدة بيانات هي التي لا تحتاج إلى من يوقظك ليلًا.</p></blockquote>",
    text="قضيت ثلاث سنوات أدير خادم PostgreSQL لموقع يزوره أربعون شخصًا في اليوم.\n\n"
    "أفضل قاعدة بيانات هي التي لا تحتاج إلى من يوقظك ليلًا.",
    whole=False,
)

ITEMS = (
    IssueItem(
        story=1,
        post_id=1,
        url="https://slowqueries.example/the-index-nobody-asked-for",
        title="The index nobody asked for",
        source="Slow Queries",
        source_url="https://slowqueries.example/",
        author="Marit Olsen",
        published=datetime(2026, 11, 19, 21, 40, tzinfo=UTC),
        language="en",
        direction="ltr",
        html="<p>Last spring a colleague added an index to a table of nine rows. It made nothing faster, and it cost "
        "us <a href='https://slowqueries.example/planner-notes'>a week with the query planner</a>. I kept notes, "
        "because the reason turned out to be more interesting than the mistake.</p><p>A planner does not know your "
        "data. It knows <em>statistics</em> of your data, taken on some other day, and it trusts them more than you "
        "would. Nine rows looked like nine million to it, for a reason I will come to.</p>"
        "<blockquote><p>Every estimate is a memory of a table that no longer exists.</p></blockquote>"
        "<h2>What the plan said</h2><p>Here is the part that matters, with the costs left in:</p>" + LONG_CODE,
        text="Last spring a colleague added an index to a table of nine rows. It made nothing faster.\n\n"
        "A planner does not know your data. It knows statistics of your data.",
        whole=False,
        also_in=(
            AlsoIn("Database Weekly", "https://dbweekly.example/612#index"),
            AlsoIn("Planet Storage", "https://storage.example/p/88"),
        ),
    ),
    IssueItem(
        story=2,
        post_id=2,
        url="https://kiln.example/notes/41",
        title="",
        source="Notes from the kiln",
        source_url="https://kiln.example/",
        author="",
        published=datetime(2026, 11, 19, 6, 5, tzinfo=UTC),
        language="en",
        direction="ltr",
        html="<p>Opened the kiln this morning to find that all twelve cups had survived. The thirteenth, which I made "
        "with the leftover clay and no care at all, is the best of them.</p>",
        text="Opened the kiln this morning to find that all twelve cups had survived. The thirteenth, which I made "
        "with the leftover clay and no care at all, is the best of them.",
        whole=True,
    ),
    IssueItem(
        story=3,
        post_id=3,
        url="https://radiohours.example/57",
        title="Episode 57: Nobody reads the manual, with good reason",
        source="Radio Hours",
        source_url="https://radiohours.example/",
        author="Tomás & Wren",
        published=datetime(2026, 11, 18, 16, 0, tzinfo=UTC),
        language="en",
        direction="ltr",
        html="<p>We talk with a technical writer who has measured it: of every hundred people who open the manual, "
        "three reach page two. She tells us what she put on page one.</p>"
        "<ul><li>02:10 What a manual is for</li><li>18:45 Errors as documentation</li><li>41:30 The one page</li></ul>",
        text="We talk with a technical writer who has measured it.",
        whole=True,
        enclosures=(Enclosure("https://radiohours.example/57.mp3", "audio/mpeg", 48_210_233),),
    ),
    ARABIC,
    IssueItem(
        story=5,
        post_id=5,
        url="https://columnar.example/2026/benchmarks?ref=feed&page=1",
        title="Rows, columns & <the rest>: a benchmark you can repeat",
        source="Columnar",
        source_url="https://columnar.example/",
        author="Ines Prado",
        published=datetime(2026, 11, 17, 11, 0, tzinfo=UTC),
        language="en",
        direction="ltr",
        html="<p>All numbers from one laptop, one file, one afternoon. The scripts are <a "
        'href="https://columnar.example/scripts.tar.gz">in this archive</a>.</p>' + WIDE_TABLE + "<figure>"
        '<img src="https://columnar.example/chart.png" alt="Time by workload, logarithmic" width="1600" height="900">'
        "<figcaption>Time by workload. Lower is better; the axis is logarithmic.</figcaption></figure>",
        text="All numbers from one laptop, one file, one afternoon.",
        whole=True,
    ),
    IssueItem(
        story=6,
        post_id=6,
        url="https://wortschatz.example/lang",
        title=f"Über lange Wörter: {LONG_WORD}",
        source="Wortschatz",
        source_url="",
        author="Jördis Ahrens",
        published=None,
        language="de",
        direction="ltr",
        html=f"<p>Das längste Wort, das je in einem Vertrag stand, lautet {LONG_WORD}, und es war ein Tippfehler "
        "darin. Mehr dazu unter <code>https://wortschatz.example/archiv/2026/11/17/"
        "ein-sehr-langer-pfad-ohne-jeden-umbruch/und-noch-weiter/index.html</code>.</p>",
        text="Das längste Wort, das je in einem Vertrag stand.",
        whole=True,
    ),
)

ISSUE = IssueContent(
    edition="friday",
    edition_title="Friday Reading",
    number=12,
    subject="Friday Reading: The index nobody asked for, and 5 more",
    frozen_at=FROZEN_AT,
    timezone="Europe/Berlin",
    language="en",
    site_title="Planet Harbour",
    site_url="https://planet.example/",
    items=ITEMS,
)

UPDATES = (
    UpdateItem(
        post_id=11,
        url="https://slowqueries.example/vacuum",
        title="What VACUUM does while you sleep",
        text="",
        source="Slow Queries",
        language="en",
        direction="ltr",
        changed_at=datetime(2026, 11, 19, 8, 0, tzinfo=UTC),
        words_added=214,
        quote="Update, Thursday: several of you asked what happens on a replica. I measured it, on two machines and "
        "with three versions, and the answer is not what I wrote here last week: the horizon of a replica holds back",
    ),
    UpdateItem(
        post_id=12,
        url="https://columnar.example/2026/compression?ref=feed&page=1",
        title="Compression is <not> free & we can prove it",
        text="",
        source="Columnar",
        language="en",
        direction="ltr",
        changed_at=datetime(2026, 11, 18, 8, 0, tzinfo=UTC),
        former_title="Compression is free",
    ),
    UpdateItem(
        post_id=13,
        url="https://daftar.example/2026/11/wal",
        title="كيف يعمل WAL؟",
        text="",
        source="دفتر المبرمج",
        language="ar",
        direction="rtl",
        changed_at=datetime(2026, 11, 17, 8, 0, tzinfo=UTC),
        words_added=3,
        quote="أضفت قياسات جديدة على PostgreSQL 18 بعد أن سألني كثيرون عنها.",
    ),
    UpdateItem(
        post_id=14,
        url="",
        title="",
        text="Fired the second kiln, and nobody will believe what became of the glaze",
        source="Notes from the kiln",
        language="",
        direction="ltr",
        changed_at=datetime(2026, 11, 16, 8, 0, tzinfo=UTC),
        words_added=-80,
    ),
    UpdateItem(
        post_id=15,
        url="https://wortschatz.example/recht",
        title=f"Das Wort {LONG_WORD} vor Gericht",
        text="",
        source="Wortschatz",
        language="de",
        direction="ltr",
        changed_at=datetime(2026, 11, 15, 8, 0, tzinfo=UTC),
    ),
)
UPDATED = replace(ISSUE, updates=UPDATES)

FOOTER = MailFooter(
    postal_address="Harbour Reading Group\nPier 4, 20457 Hamburg",
    contact="digest@planet.example",
    web_url="https://planet.example/issues/friday-12.html",
)


def stored(item: IssueItem, feed_id: int, age: timedelta) -> StoredPost:
    """`item` as the store has it, first seen `age` before the issue."""
    home = item.source_url or f"https://feed-{feed_id}.example/"
    return StoredPost(
        id=item.post_id,
        feed_id=feed_id,
        story=item.story,
        source=item.source,
        source_title=item.source,
        source_url=item.source_url,
        feed_url=f"{home}feed.xml",
        guid=item.url,
        url=item.url,
        title=item.title,
        author=item.author,
        published=item.published,
        updated=None,
        dated=item.published,
        first_seen=FROZEN_AT - age,
        tags=("databases", "تقنية") if item.direction == "rtl" else ("databases", "craft"),
        summary="",
        content_html=item.html,
        text=item.text,
        language=item.language,
        enclosures=item.enclosures,
    )


POSTS = tuple(
    sorted(
        (stored(item, number, timedelta(hours=7 * number)) for number, item in enumerate(ITEMS, 1)),
        key=lambda post: post.effective,
        reverse=True,
    )
)


def issue_with(**changes: object) -> IssueContent:
    """An issue of one item, the first of the samples with `changes`."""
    return replace(ISSUE, items=(replace(ITEMS[0], **changes),))  # type: ignore[arg-type]


# Issues of every kind that a mail must survive, for tests of the rendering, of the judge and of the spam score.

PARAGRAPHS = (
    "The ferry to the island takes forty minutes, and for most of them there is nothing to see but water. I used to "
    "read. These days I watch the other passengers decide when to stand up.",
    "There is a moment, long before the harbour, when somebody rises, and then everybody does. Nobody has ever gained "
    "a minute by it. We stand for a quarter of an hour with our bags in our hands, and look at one another's shoes.",
    "I asked the woman who ties the ropes about it. She said that it had been the same on the old boat, which was "
    "slower, and that she had stopped wondering. People arrive, she said, when they have decided to.",
    "On the way back I stayed in my seat until the ramp was down. It felt like a discovery. I was the last one off, "
    "and the bus had waited.",
)
CYRILLIC = "Мы перевели архив на новый сервер за одну ночь, и утром никто не заметил разницы, кроме кота."
CHINESE = "我们把十年的旧文章搬到了一台小小的服务器上，只用了一个晚上，第二天早上没有人发现有什么不同。"
EMOJI = "🦊🎉 Release day! 🚀 The build is green 🟢, the docs are up 📚, and the cake is gone 🍰👩🏽‍💻👨‍👩‍👧‍👦 "
HOSTILE_HTML = """<script>alert(1)</script><style>body{display:none}</style><h1 onclick="x()">Breaking</h1>
<p style="position:fixed;background:url(https://evil.example/x.png)">Look <a href="javascript:alert(1)">here</a>, or
<a href="vbscript:x">there</a>, or <a href="//evil.example/a&quot;onmouseover=&quot;x">everywhere</a>.</p>
<form action="https://evil.example/"><input name="card"><button>Pay</button></form>
<iframe src="https://video.example/embed/5"></iframe><img src="data:image/png;base64,AAAA"><img src="x" onerror="y()">
<img src="https://pixel.wp.com/g.gif" width="1" height="1"><svg onload="z()"><circle/></svg></td></tr></table></div>
<details><summary>Closed</summary><p>Opened.</p></details><table><tr><td><table><tr><td>nested</td></tr></table>
<!--[if mso]><p>Only Outlook</p><![endif]--><p>An end without a beginning</b></i></div></blockquote>"""
HOSTILE_TITLE = (
    'Prize</h2></td></table>\r\nBcc: all@example.org\x00 =?utf-8?b?QmNjOiB4?= \u202egnp.exe"><img src=x onerror=y>'
)

_SITES = (
    "Slow Ferry",
    "The Quiet Compiler",
    "Harbour Notes",
    "Salt & Circuits",
    "Low Tide",
    "A Year of Bread",
    "Dry Dock",
)
_TITLES = (
    "Standing up too early",
    "What the rope-tier knows",
    "A compiler that says please",
    "Bread without a recipe, again",
    "How we lost the spare key, and found the door",
    "Seven small repairs",
    "The map was right",
)


def item(number: int, **changes: object) -> IssueItem:
    """A made-up story, the `number`th, with its own address, site and day."""
    site = _SITES[number % len(_SITES)]
    host = site.lower().replace(" ", "").replace("&", "-and-") + ".example"
    paragraphs = [PARAGRAPHS[(number + offset) % len(PARAGRAPHS)] for offset in range(2)]
    usual = IssueItem(
        story=100 + number,
        post_id=100 + number,
        url=f"https://{host}/2026/{number}",
        title=f"{_TITLES[number % len(_TITLES)]}, part {number}",
        source=site,
        source_url=f"https://{host}/",
        author=("", "Imre Castell", "Noor van Dam")[number % 3],
        published=FROZEN_AT - timedelta(hours=5 * number + 1),
        language="en",
        direction="ltr",
        html="".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
        text="\n\n".join(paragraphs),
        whole=False,
        minutes=1 + number % 9,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def written(text: str, number: int, **changes: object) -> IssueItem:
    """A story in words of its own."""
    return item(number, html=f"<p>{text}</p>" * 3, text="\n\n".join([text] * 3), **changes)


def issue(*items: IssueItem, **changes: object) -> IssueContent:
    return replace(ISSUE, items=items, **changes)  # type: ignore[arg-type]


def more(count: int) -> tuple[MoreItem, ...]:
    """Stories that are only named."""
    stories = [item(500 + number) for number in range(count)]
    return tuple(
        MoreItem(one.story, one.post_id, one.url, one.title, "", one.source, one.language, one.direction)
        for one in stories
    )


def picture(number: int, width: int | None = 1600, height: int | None = 900) -> Picture:
    return Picture(
        f"https://pictures.example/{number}.png", width, height, f"A boat in the harbour, seen from pier {number}"
    )


def _illustrated(number: int) -> IssueItem:
    figures = "".join(
        f'<figure><img src="https://pictures.example/{number}-{one}.png" alt="Rope {one}" width="{width}" height="600">'
        f"<figcaption>Rope {one}, in the afternoon</figcaption></figure>"
        for one, width in enumerate((400, 1200))
    )
    unsized = f'<p><img src="https://pictures.example/{number}-u.png" alt="No size given"></p>'
    return item(number, html=f"<p>{PARAGRAPHS[0]}</p>{figures}{unsized}", picture=picture(number), whole=True)


def _grouped(number: int) -> IssueItem:
    return item(number, group="" if not number else ("boats", "bread", "code")[(number - 1) // 3])


def _full_text(number: int) -> IssueItem:
    html = "".join(f"<h2>Chapter {one}</h2><p>{PARAGRAPHS[one % 4]}</p>" for one in range(30)) + LONG_CODE + WIDE_TABLE
    text = "\n\n".join(f"Chapter {one}\n\n{PARAGRAPHS[one % 4]}" for one in range(30))
    return item(number, html=html, text=text, whole=True, minutes=14)


_NOTHING = IssueItem(
    story=1, post_id=1, url="", title="", source="", source_url="", author="", published=None, language="",
    direction="ltr", html="", text="", whole=False,
)  # fmt: skip
_CHINESE = {"source": "小机房", "source_url": ""}
_ARABIC: dict[str, Any] = {
    "source": "دفتر المبرمج",
    "source_url": "https://daftar.example/",
    "language": "ar",
    "direction": "rtl",
}
_ARABIC_TEXT = "نقلنا أرشيف عشر سنوات إلى خادم صغير في ليلة واحدة، ولم يلاحظ أحد شيئًا في الصباح."

FIXTURES: dict[str, IssueContent] = {
    "usual": replace(UPDATED, waiting=3, more=more(2)),
    "200-posts": issue(*map(item, range(200))),
    "one-post": issue(item(1, whole=True)),
    "no-images": issue(*map(item, range(12))),
    "all-images": issue(*map(_illustrated, range(12)), lead=True),
    "groups": issue(*map(_grouped, range(10)), lead=True, group_by="tag", more=more(7), waiting=1),
    "rtl": issue(
        ARABIC,
        *(replace(written(_ARABIC_TEXT, n, title=f"أرشيف {n}"), **_ARABIC) for n in range(1, 6)),
        item(7),
        edition_title="قراءات الجمعة",
        language="ar",
        updates=UPDATES,
        more=more(3),
        waiting=11,
    ),
    "cjk": issue(
        *(written(CHINESE, n, title=f"{CHINESE[:18]}{n}", language="zh-Hans", **_CHINESE) for n in range(8)),
        language="zh-Hans",
    ),
    "cyrillic": issue(
        *(written(CYRILLIC, n, title=f"{CYRILLIC[:40]} {n}", language="ru") for n in range(8)),
        language="ru",
    ),
    "emoji": issue(
        *(written(EMOJI, n, title=f"{EMOJI[:24]}{n}", source="🦊 Foxes 🦊", source_url="") for n in range(8)),
    ),
    "long-words": issue(
        *(written(f"{LONG_WORD}{n} {LONG_WORD * 3}", n, title=f"{LONG_WORD}{n}", author=LONG_WORD) for n in range(6)),
    ),
    "hostile": issue(
        *(item(n, title=HOSTILE_TITLE, source=HOSTILE_TITLE, author=HOSTILE_TITLE, language='en" onload="x',
               html=clean(HOSTILE_HTML, "https://evil.example/"), text="Breaking\n\nLook here\r\nBcc: x@example.org",
               url="https://evil.example/a\r\nb", source_url="javascript:alert(1)",
               also_in=(AlsoIn(HOSTILE_TITLE, "javascript:alert(1)"),),
               enclosures=(Enclosure("javascript:alert(1)", "audio/mpeg"),)) for n in range(6)),
    ),
    "nothing": issue(_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING),
    "40-tags": issue(*(item(n, group=f"tag number {n}") for n in range(40)), group_by="tag"),
    "full-text": issue(*map(_full_text, range(3))),
    "headlines-only": issue(*(item(n, html="", text="") for n in range(20))),
    "podcasts": issue(
        *(replace(ITEMS[2], url=f"https://radiohours.example/{n}", title=f"Episode {n}: {_TITLES[n % 7]}",
                  enclosures=(Enclosure(f"https://radiohours.example/{n}.mp3", "audio/mpeg", 48_210_233),))
          for n in range(6)),
    ),
}  # fmt: skip
"""By name. Each is in the look of letters; `replace(content, look="headlines")` is the other."""
