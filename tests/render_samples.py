"""Posts and issues to render: varied in language, length and habit, and all made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tidings.model import AlsoIn, Enclosure, IssueContent, IssueItem, StoredPost, UpdateItem
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
    reason="You get this because you asked for Friday Reading at planet.example in March 2026.",
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
