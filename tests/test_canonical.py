"""Canonical URLs: which links are the same page, and which only look like it."""

from __future__ import annotations

from random import Random
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.test_links import ANY_TEXT
from tidings.posts.canonical import canonical, is_front_page

POST = "https://blog.example/a-post"

# By rule: how a link may be written, and its canonical URL.
CANONICAL = {
    "scheme, host and port": [
        ("https://blog.example/a-post", POST),
        ("http://blog.example/a-post", POST),
        ("HTTP://BLOG.Example/a-post", POST),
        ("https://www.blog.example/a-post", POST),
        ("https://www.www.blog.example/a-post", POST),
        ("https://blog.example./a-post", POST),
        ("https://blog.example:443/a-post", POST),
        ("http://blog.example:80/a-post", POST),
        ("https://blog.example:/a-post", POST),
        ("https://blog.example:0/a-post", POST),
        ("https://blog.example:8443/a-post", "https://blog.example:8443/a-post"),
        ("https://WWW.Blog.example:8443/a-post", "https://blog.example:8443/a-post"),
        ("https://joe:secret@blog.example/a-post", POST),
        ("https://joe:secret@blog.example:8443/a-post", "https://blog.example:8443/a-post"),
        ("https://www.com/a", "https://www.com/a"),
        ("https://www2.blog.example/a", "https://www2.blog.example/a"),
        ("https://my_blog.example/a", "https://my_blog.example/a"),
        ("https://192.0.2.1/a", "https://192.0.2.1/a"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://localhost:8000/a", "https://localhost:8000/a"),
    ],
    "international hosts": [
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
        ("https://XN--BCHER-KVA.example/a", "https://xn--bcher-kva.example/a"),
        ("https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"),
        ("https://bu\u0308cher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://bücher。example。/a", "https://xn--bcher-kva.example/a"),
        ("https://bü\u00adcher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://ｂｌｏｇ.example/a", "https://blog.example/a"),
        ("https://straße.example/a", "https://xn--strae-oqa.example/a"),
        ("https://ΟΔΟΣ.example/a", "https://xn--pxavbq.example/a"),
        ("https://日本語.example/a", "https://xn--wgv71a119e.example/a"),
        ("https://☃.example/a", "https://xn--n3h.example/a"),
        ("https://www.bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
    "mobile and AMP hosts": [
        ("https://m.blog.example/a-post", POST),
        ("https://mobile.blog.example/a-post", POST),
        ("https://amp.blog.example/a-post", POST),
        ("https://www.m.blog.example/a-post", POST),
        ("https://m.www.blog.example/a-post", POST),
        ("https://amp.news.blog.example/a-post", "https://news.blog.example/a-post"),
        ("https://en.m.wikipedia.org/wiki/RSS", "https://en.wikipedia.org/wiki/RSS"),
        ("https://commons.m.wikimedia.org/wiki/A", "https://commons.wikimedia.org/wiki/A"),
        ("https://m.example/a", "https://m.example/a"),
        ("https://amp.dev/a", "https://amp.dev/a"),
        ("https://m.co.uk/a", "https://m.co.uk/a"),
        ("https://mobile.wordpress.com/a", "https://mobile.wordpress.com/a"),
        ("https://m.blog.example/?p=1", "https://m.blog.example?p=1"),
        ("https://media.blog.example/a", "https://media.blog.example/a"),
    ],
    "AMP pages": [
        ("https://blog.example/2026/01/a-post/amp", "https://blog.example/2026/01/a-post"),
        ("https://blog.example/2026/01/a-post/amp/", "https://blog.example/2026/01/a-post"),
        ("https://blog.example/news/4711234/amp", "https://blog.example/news/4711234"),
        ("https://blog.example/a-post.html/amp", "https://blog.example/a-post.html"),
        ("https://blog.example/a-post.amp.html", "https://blog.example/a-post.html"),
        ("https://blog.example/a-post.amp", POST),
        ("https://blog.example/a-post?amp", POST),
        ("https://blog.example/a-post?amp=1", POST),
        ("https://blog.example/a-post?amp=true&utm_source=amp", POST),
        ("https://blog.example/a-post?outputType=amp", POST),
        ("https://blog.example/a-post?amp_js_v=0.1&usqp=mq331AQ", POST),
        ("https://blog.example/amp", "https://blog.example/amp"),
        ("https://blog.example/gear/amp", "https://blog.example/gear/amp"),
        ("https://blog.example/2019/amp", "https://blog.example/2019/amp"),
        ("https://blog.example/a-post?amp=tube", "https://blog.example/a-post?amp=tube"),
    ],
    "paths": [
        ("https://blog.example/a-post/", POST),
        ("https://blog.example/a-post//", POST),
        ("https://blog.example//a-post", POST),
        ("https://blog.example/./a-post", POST),
        ("https://blog.example/2026/../a-post", POST),
        ("https://blog.example/../../a-post", POST),
        ("https://blog.example/2026/%2E%2e/a-post", POST),
        ("https://blog.example", "https://blog.example"),
        ("https://blog.example/", "https://blog.example"),
        ("https://blog.example/A-Post", "https://blog.example/A-Post"),
        ("https://blog.example/read/https://other.example//a", "https://blog.example/read/https://other.example/a"),
        ("https://blog.example/%7Ejoe/%61", "https://blog.example/~joe/a"),
        ("https://blog.example/caf%c3%a9", "https://blog.example/caf%C3%A9"),
        ("https://blog.example/café", "https://blog.example/caf%C3%A9"),
        ("https://blog.example/caf%e9", "https://blog.example/caf%E9"),
        ("https://blog.example/a%2fb", "https://blog.example/a%2Fb"),
        ("https://blog.example/100%", "https://blog.example/100%25"),
        ("https://blog.example/a b", "https://blog.example/a%20b"),
        ("https://blog.example/a-post;jsessionid=0A1B", POST),
        ("https://blog.example/a-post;JSESSIONID=0A1B.node1?id=1", "https://blog.example/a-post?id=1"),
        ("https://blog.example/a;v=2/b", "https://blog.example/a;v=2/b"),
        ("https://blog.example/a-post&utm_source=rss&utm_medium=feed", POST),
    ],
    "index pages": [
        ("https://blog.example/a-post/index.html", POST),
        ("https://blog.example/a-post/Index.HTM", POST),
        ("https://blog.example/a-post/index.php", POST),
        ("https://blog.example/a-post/default.aspx", POST),
        ("https://blog.example/index.html", "https://blog.example"),
        ("https://blog.example/index.php?p=12", "https://blog.example?p=12"),
        ("https://blog.example/index.xml", "https://blog.example/index.xml"),
        ("https://blog.example/index.en.html", "https://blog.example/index.en.html"),
        ("https://blog.example/index.php/a-post", "https://blog.example/index.php/a-post"),
    ],
    "fragments": [
        ("https://blog.example/a-post#comments", POST),
        ("https://blog.example/a-post#", POST),
        ("https://blog.example/a-post#Echobox=1700000000", POST),
        ("https://blog.example/a-post#xtor=RSS-3208", POST),
        ("https://blog.example/a-post#ref=rss", POST),
        ("https://blog.example/a-post#:~:text=some%20words", POST),
        ("https://blog.example/#!/a", "https://blog.example#!/a"),
        ("https://blog.example/#!a", "https://blog.example#!a"),
        ("https://blog.example/#/a", "https://blog.example#/a"),
        ("https://blog.example/#/a:~:text=words", "https://blog.example#/a"),
        ("https://blog.example/#/caf%c3%a9", "https://blog.example#/caf%C3%A9"),
        ("https://blog.example/#/", "https://blog.example"),
        ("https://blog.example/#!", "https://blog.example"),
        ("https://blog.example/a-post#//apple_ref/doc/1", POST),
    ],
    "the query": [
        ("https://blog.example/a-post?", POST),
        ("https://blog.example/a-post?&&", POST),
        ("https://blog.example/a-post?b=2&a=1", "https://blog.example/a-post?a=1&b=2"),
        ("https://blog.example/a-post?t=b&a=1&t=a", "https://blog.example/a-post?a=1&t=b&t=a"),
        ("https://blog.example/a-post?a", "https://blog.example/a-post?a="),
        ("https://blog.example/a-post?a=&b=2", "https://blog.example/a-post?a=&b=2"),
        ("https://blog.example/a-post?q=a+b", "https://blog.example/a-post?q=a+b"),
        ("https://blog.example/a-post?q=a%20b", "https://blog.example/a-post?q=a+b"),
        ("https://blog.example/a-post?%71=%61", "https://blog.example/a-post?q=a"),
        ("https://blog.example/a-post?q=%e9", "https://blog.example/a-post?q=%E9"),
        ("https://blog.example/a-post?q=é", "https://blog.example/a-post?q=%C3%A9"),
        ("https://blog.example/a-post?a=1&amp;b=2", "https://blog.example/a-post?a=1&b=2"),
        ("https://blog.example/a-post?amp;utm_source=rss&amp;amp;b=2", "https://blog.example/a-post?b=2"),
        ("https://blog.example/?p=12?utm_source=rss&utm_medium=feed", "https://blog.example?p=12"),
        ("https://blog.example/?p=12", "https://blog.example?p=12"),
        ("https://blog.example/?page_id=2", "https://blog.example?page_id=2"),
    ],
    "parameters that always track": [
        (f"{POST}?{noise}", POST)
        for noise in (
            "utm_source=rss&utm_medium=feed&utm_campaign=x&utm_term=y&utm_content=z&utm_id=1",
            "UTM_Source=rss",
            "fbclid=a&mibextid=b&fb_action_ids=c",
            "gclid=a&gclsrc=b&dclid=c&gbraid=d&wbraid=e&gad_source=1&srsltid=f&_gl=1*a&_ga=2",
            "msclkid=a&twclid=b&ttclid=c&li_fat_id=d&epik=e&igshid=f",
            "yclid=1&ysclid=2&_openstat=3",
            "mc_cid=a&mc_eid=b&mc_tc=c",
            "_hsenc=a&_hsmi=b&__hstc=c&__hssc=d&__hsfp=e&hsCtaTracking=f&hsa_cam=g",
            "mtm_campaign=a&pk_campaign=b&pk_kwd=c&piwik_campaign=d&matomo_campaign=e",
            "mkt_tok=a&elqTrackId=b&vgo_ee=c&dm_i=d&_kx=e&__s=f&vero_id=g&vero_conv=h&_bhlid=i&ck_subscriber_id=1",
            "at_medium=RSS&at_campaign=x&at_custom1=y&xtor=RSS-1",
            "ns_mchannel=rss&ns_campaign=1490&ns_source=y",
            "WT.mc_id=a&wt_mc=rss.red&wt_zmc=b",
            "spm=a2c4e.1&scm=20140722",
            "__twitter_impression=true&ref_src=twsrc%5Etfw&ref_url=x",
            "is_from_webapp=1&sender_device=pc",
            "spref=tw&sr_share=facebook&soc_src=mail&guccounter=1",
            "maca=en-rss-en-all-1573-rdf",
            "PHPSESSID=0a1b&doing_wp_cron=1.2&replytocom=7&attribution_id=1&attribution_type=post",
        )
    ],
    "parameters that track with these values": [
        (f"{POST}?source=rss", POST),
        (f"{POST}?source=rss----d12c403d4976---4", POST),
        (f"{POST}?src=feed&via=rss2", POST),
        (f"{POST}?from=rss", POST),
        (f"{POST}?partner=rss&emc=rss", POST),
        (f"{POST}?.tsrc=rss&cid=rss_top&eref=rss_latest", POST),
        (f"{POST}?noamp=mobile", POST),
        (f"{POST}?rss=1", POST),
        (f"{POST}?rss", POST),
        (f"{POST}?ref=other.example", POST),
        (f"{POST}?ref=planet.blog.example&id=1", f"{POST}?id=1"),
        (f"{POST}?ref=joes-notes-newsletter", POST),
        (f"{POST}?ref=rss", POST),
        (f"{POST}?ref=twitter", POST),
        ("https://blog.example/forum/viewtopic.php?t=1&sid=" + "0f" * 16, "https://blog.example/forum/viewtopic.php?t=1"),
        ("https://joe.blogspot.com/2026/01/a-post.html?m=1", "https://joe.blogspot.com/2026/01/a-post.html"),
        ("https://blog.example/2026/01/a-post.html?m=1", "https://blog.example/2026/01/a-post.html"),
        ("https://joe.blogspot.com/?m=0", "https://joe.blogspot.com"),
    ],
    "services": [
        ("https://youtu.be/dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ?si=abc&t=42", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://m.youtube.com/watch?v=dQw4w9WgXcQ&feature=share", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube.com/watch?list=PL1&v=dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube.com/shorts/dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?rel=0", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube.com/@joe", "https://youtube.com/@joe"),
        ("https://www.youtube.com/playlist?list=PL1", "https://youtube.com/playlist?list=PL1"),
        ("https://mobile.twitter.com/joe/status/1?s=20&t=x", "https://x.com/joe/status/1"),
        ("https://old.reddit.com/r/rss/comments/1?share_id=x", "https://reddit.com/r/rss/comments/1"),
        ("https://joe.blogspot.de/2026/01/a.html", "https://joe.blogspot.com/2026/01/a.html"),
        ("https://joe.blogspot.com.br/2026/01/a.html", "https://joe.blogspot.com/2026/01/a.html"),
        ("https://joe.medium.com/a-1?source=user_profile---0", "https://joe.medium.com/a-1"),
        ("https://joe.substack.com/p/a-post?r=1a2b&s=w&publication_id=1", "https://joe.substack.com/p/a-post"),
        ("https://open.substack.com/pub/joe/p/a-post?r=1a2b", "https://joe.substack.com/p/a-post"),
        ("https://www.tiktok.com/@joe/video/1?_t=8&_r=1", "https://tiktok.com/@joe/video/1"),
        ("https://www.linkedin.com/pulse/a?trk=public&trackingId=x", "https://linkedin.com/pulse/a"),
    ],
    "wrappers": [
        ("https://www.google.com/url?q=https%3A%2F%2Fblog.example%2Fa-post&sa=D", POST),
        ("https://www.google.com/url?rct=j&sa=t&url=http://www.blog.example/a-post/&ct=ga", POST),
        ("https://www.google.co.uk/url?url=https://blog.example/a-post%3Fid%3D1", f"{POST}?id=1"),
        ("https://www.google.com/amp/s/www.blog.example/a-post/amp/", POST),
        ("https://www-blog-example.cdn.ampproject.org/c/s/www.blog.example/a-post/amp?amp_js_v=1", POST),
        ("https://cdn.ampproject.org/v/blog.example/a-post?id=1", f"{POST}?id=1"),
        ("https://news.google.com/news/url?sa=t&url=https://blog.example/a-post", POST),
        (
            "https://news.google.com/rss/articles/CBMiJmh0dHBzOi8vYmxvZy5leGFtcGxlLzIwMjIvMDcvcG9zdC5odG1s0gEA?oc=5",
            "https://blog.example/2022/07/post.html",
        ),
        ("https://www.bing.com/ck/a?!&&p=1&u=a1aHR0cHM6Ly9ibG9nLmV4YW1wbGUvcG9zdD9pZD0x", "https://blog.example/post?id=1"),
        ("https://duckduckgo.com/l/?uddg=https%3A%2F%2Fblog.example%2Fa-post&rut=1", POST),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fblog.example%2Fa-post%3Ffbclid%3Dx&h=AT1", POST),
        ("https://lm.facebook.com/l.php?u=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://l.instagram.com/?u=https%3A%2F%2Fblog.example%2Fa-post&e=AT1", POST),
        ("https://t.umblr.com/redirect?z=https%3A%2F%2Fblog.example%2Fa-post&t=1", POST),
        ("https://out.reddit.com/t3_abc?url=https%3A%2F%2Fblog.example%2Fa-post&token=x", POST),
        ("https://medium.com/r/?url=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://href.li/?https://blog.example/a-post", POST),
        ("https://href.li/?https://blog.example/a-post?id=1&b=2", f"{POST}?b=2&id=1"),
        ("https://anonym.to/?https%3A%2F%2Fblog.example%2Fa-post%3Fid%3D1", f"{POST}?id=1"),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fblog.example%2Fa-post&data=05", POST),
        ("https://steamcommunity.com/linkfilter/?url=https://blog.example/a-post", POST),
        ("https://m.vk.com/away.php?to=https%3A%2F%2Fblog.example%2Fa-post&cc_key=", POST),
        ("https://www.youtube.com/redirect?event=x&q=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://slack-redir.net/link?url=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://getpocket.com/redirect?url=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://www.linkedin.com/redir/redirect?url=https%3A%2F%2Fblog.example%2Fa-post", POST),
        ("https://yandex.ru/turbo/s/blog.example/a-post", POST),
        ("https://web.archive.org/web/20200101000000/https://www.blog.example/a-post", POST),
        ("https://web.archive.org/web/2020id_/http://blog.example:80/a-post?id=1", f"{POST}?id=1"),
        ("https://web.archive.org/web/2020/blog.example/", "https://blog.example"),
        ("https://archive.ph/2020/https://blog.example/a-post", POST),
        ("https://redir.folha.com.br/redir/online/poder/rss091/*https://www.blog.example/a-post", POST),
        ("https://r.search.yahoo.com/_ylt=A;_ylu=B/RV=2/RU=https%3a%2f%2fblog.example%2fa-post/RK=2/RS=x-", POST),
        ("https://go.theregister.com/feed/www.theregister.com/2026/02/16/a/", "https://theregister.com/2026/02/16/a"),
        (
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Fblog.example%252Fa-post",
            POST,
        ),
        ("https://www.google.com/url?q=javascript:alert(1)", "https://google.com/url?q=javascript%3Aalert%281%29"),
        ("https://www.google.com/search?q=https://blog.example/", "https://google.com/search?q=https%3A%2F%2Fblog.example%2F"),
        ("https://web.archive.org/web/*/https://blog.example/a", "https://web.archive.org/web/*/https://blog.example/a"),
        (
            "https://news.google.com/rss/articles/CBMiHkFVX3lxTE1ub05ld0lkc0hvbGROb1VybEF0QWxsMA",
            "https://news.google.com/rss/articles/CBMiHkFVX3lxTE1ub05ld0lkc0hvbGROb1VybEF0QWxsMA",
        ),
        ("https://feedproxy.google.com/~r/joe/~3/x/", "https://feedproxy.google.com/~r/joe/~3/x"),
    ],
    "no page": [
        (url, "")
        for url in (
            "",
            "mailto:joe@example.org",
            "javascript:alert(1)",
            "/post",
            "//blog.example/post",
            "blog.example/post",
            "http://./post",
            "http://blog..example/post",
            "http://a b.example/post",
            "http://a\\b/post",
            "http://blog.example:99999/",
            "http://[::1/",
            "https://blog.example/" + "é" * 2000,
        )
    ],
}  # fmt: skip

# By what they look like: links to two pages. One taken for the other would lose a post.
DIFFERENT = {
    "spelling": [
        (f"{POST}", "https://blog.example/another-post"),
        ("https://blog.example/a", "https://blog.example/A"),
        ("https://blog.example/a%2Fb", "https://blog.example/a/b"),
        ("https://blog.example/a%3Fb", "https://blog.example/a?b"),
        ("https://blog.example/a%23b", "https://blog.example/a"),
        ("https://blog.example/%E9", "https://blog.example/%E8"),
        ("https://blog.example/?q=%E9", "https://blog.example/?q=%E8"),
        ("https://blog.example/?q=%83%65", "https://blog.example/?q=%83%66"),
        ("https://blog.example/?q=%2B", "https://blog.example/?q=+"),
        ("https://blog.example/?q=a%26b=1", "https://blog.example/?q=a&b=1"),
        ("https://blog.example/a;v=1", "https://blog.example/a;v=2"),
        ("https://blog.example/a.html", "https://blog.example/a"),
        ("https://blog.example/a.", "https://blog.example/a"),
    ],
    "hosts": [
        ("https://blog.example/a", "https://www2.blog.example/a"),
        ("https://joe.example/a", "https://ann.example/a"),
        ("https://blog.example/a", "https://news.blog.example/a"),
        ("https://blog.example:8080/a", "https://blog.example:8081/a"),
        ("https://blog.example:8080/a", "https://blog.example/a"),
        ("https://m.example/a", "https://example/a"),
        ("https://m.co.uk/a", "https://co.uk/a"),
        ("https://mobile.wordpress.com/a", "https://wordpress.com/a"),
        ("https://m.blogspot.com/2026/01/a.html", "https://amp.blogspot.com/2026/01/a.html"),
        ("https://m.blog.example/?p=1", "https://blog.example/?p=1"),
        ("https://amplifiers.example/a", "https://example/a"),
        ("https://mail.blog.example/a", "https://blog.example/a"),
        ("https://de.wikipedia.org/wiki/RSS", "https://en.m.wikipedia.org/wiki/RSS"),
        ("https://straße.example/a", "https://strasse.example/a"),
        ("https://bücher.example/a", "https://bucher.example/a"),
        ("https://joe.blogspot.com/2026/01/a.html", "https://ann.blogspot.com/2026/01/a.html"),
        ("https://www.com/a", "https://com/a"),
    ],
    "paths": [
        ("https://blog.example/amp", "https://blog.example/"),
        ("https://blog.example/gear/amp", "https://blog.example/gear"),
        ("https://blog.example/2019/amp", "https://blog.example/2019"),
        ("https://blog.example/amp/a-post", "https://blog.example/a-post"),
        ("https://blog.example/a-post/amps", "https://blog.example/a-post"),
        ("https://blog.example/index.xml", "https://blog.example/"),
        ("https://blog.example/index.en.html", "https://blog.example/index.de.html"),
        ("https://blog.example/index.php/a", "https://blog.example/index.php/b"),
        ("https://blog.example/a/index2.html", "https://blog.example/a/"),
        ("https://blog.example/a/main.html", "https://blog.example/a/"),
        ("https://blog.example/a/feed", "https://blog.example/a"),
        ("https://blog.example/a/2", "https://blog.example/a"),
    ],
    "parameters": [
        ("https://blog.example/?p=1", "https://blog.example/?p=2"),
        ("https://blog.example/?page=1", "https://blog.example/?page=2"),
        (f"{POST}?page=2", POST),
        ("https://blog.example/?m=202601", "https://blog.example/?m=202602"),
        ("https://blog.example/calendar?m=1", "https://blog.example/calendar?m=2"),
        ("https://blog.example/calendar?m=1", "https://blog.example/calendar"),
        ("https://blog.example/story?id=1", "https://blog.example/story?id=2"),
        ("https://blog.example/article.php?sid=1", "https://blog.example/article.php?sid=2"),
        ("https://blog.example/article.php?sid=" + "0f" * 16, "https://blog.example/article.php?sid=" + "1e" * 16),
        ("https://blog.example/story?cid=1", "https://blog.example/story?cid=2"),
        ("https://blog.example/article.pl?sid=05%2F11%2F19%2F15", "https://blog.example/article.pl?sid=05%2F11%2F19%2F16"),
        ("https://blog.example/list?mode=feed", "https://blog.example/list?mode=page"),
        ("https://blog.example/list?source=rust", "https://blog.example/list?source=go"),
        ("https://blog.example/list?source=twitter", "https://blog.example/list?source=reddit"),
        ("https://blog.example/mail?from=joe", "https://blog.example/mail?from=ann"),
        ("https://blog.example/list?tag=a&tag=b", "https://blog.example/list?tag=b&tag=a"),
        ("https://blog.example/bible?ref=John.3", "https://blog.example/bible?ref=John.4"),
        ("https://blog.example/book?ref=4711", "https://blog.example/book?ref=4712"),
        ("https://github.com/joe/app/contents/a?ref=main", "https://github.com/joe/app/contents/a?ref=dev"),
        ("https://github.com/joe/app?ref=release.next", "https://github.com/joe/app"),
        ("https://git.blog.example/app?ref=release.next", "https://git.blog.example/app"),
        ("https://blog.example/joe/app/-/blob/a?ref=release.next", "https://blog.example/joe/app/-/blob/a"),
        ("https://blog.example/shop?amp=tube", "https://blog.example/shop?amp=solid"),
        ("https://blog.example/?rss=1", "https://blog.example/"),
        ("https://blog.example/?feed=rss2", "https://blog.example/"),
        ("https://blog.example/a?lang=de", "https://blog.example/a?lang=en"),
        ("https://blog.example/a?v=1", "https://blog.example/a?v=2"),
        ("https://blog.example/a?r=1", "https://blog.example/a?r=2"),
        ("https://blog.example/a?s=1", "https://blog.example/a?s=2"),
        ("https://blog.example/a?post_id=1", "https://blog.example/a?post_id=2"),
        ("https://blog.example/a?campaign_id=1", "https://blog.example/a?campaign_id=2"),
        ("https://blog.example/a?utm=1", "https://blog.example/a?utm=2"),
    ],
    "routes": [
        ("https://blog.example/#!/a", "https://blog.example/#!/b"),
        ("https://blog.example/#/a", "https://blog.example/#/b"),
        ("https://blog.example/#/a", "https://blog.example/"),
        ("https://blog.example/#!a", "https://blog.example/#!b"),
    ],
    "services and wrappers": [
        ("https://youtu.be/dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcR"),
        ("https://youtube.com/playlist?list=PL1", "https://youtube.com/playlist?list=PL2"),
        ("https://youtube.com/results/dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://blog.example/watch?v=dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ"),
        ("https://blog.example/share?url=https://other.example/a", "https://other.example/a"),
        ("https://blog.example/url?q=https://other.example/a", "https://other.example/a"),
        ("https://google.blog.example/url?q=https://other.example/a", "https://other.example/a"),
        ("https://www.facebook.com/sharer.php?u=https://other.example/a", "https://other.example/a"),
        ("https://twitter.com/intent/tweet?url=https://other.example/a", "https://other.example/a"),
        ("https://validator.w3.org/check?uri=https://other.example/a", "https://other.example/a"),
        ("https://web.archive.org/web/*/https://other.example/a", "https://other.example/a"),
        ("https://www.google.com/amp/a", "https://a/"),
        ("https://feedproxy.google.com/~r/joe/~3/x/", "https://feedproxy.google.com/~r/joe/~3/y/"),
        ("https://open.substack.com/pub/joe/p/a", "https://open.substack.com/pub/ann/p/a"),
    ],
}  # fmt: skip


def rows(table: dict[str, list[tuple[str, str]]]) -> list[object]:
    return [
        pytest.param(*row, id=f"{rule}-{number}") for rule, cases in table.items() for number, row in enumerate(cases)
    ]


@pytest.mark.parametrize(("url", "expected"), rows(CANONICAL))
def test_canonical_drops_what_does_not_name_the_page(url: str, expected: str) -> None:
    """Every spelling of a page has the page's one canonical URL, and what is no page has none."""
    assert canonical(url) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(("one", "other"), rows(DIFFERENT))
def test_canonical_keeps_pages_apart(one: str, other: str) -> None:
    """What may be two pages stays two: merging them would lose one."""
    assert canonical(one)
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://blog.example", True),
        ("https://blog.example/?utm_source=rss", True),
        ("https://blog.example/#comments", True),
        ("https://blog.example/index.html", True),
        ("https://web.archive.org/web/2020/https://blog.example/", True),
        ("https://blog.example/?p=12", False),
        ("https://blog.example/#!/a", False),
        ("https://blog.example/a", False),
    ],
)
def test_a_front_page_is_told_from_a_page(url: str, expected: bool) -> None:
    """A URL without path, query and route names a whole site."""
    assert is_front_page(canonical(url)) is expected


@pytest.mark.parametrize("layers", [2, 8, 9, 200])
def test_wrappers_in_wrappers_end(layers: int) -> None:
    """A few wrappers around a page are all taken off; a joker's hundred name no page, and cost next to nothing."""
    url = "https://web.archive.org/web/2020/" * layers + POST
    assert canonical(url) == (POST if layers < 8 else "")


WRAPPED = (
    "https://google.com/url?q= https://href.li/? https://web.archive.org/web/2020/ https://bing.com/ck/a?u=a1 "
    "https://news.google.com/articles/CBM https://cdn.ampproject.org/c/s/ https://youtu.be/ https://vk.com/away?to= "
    "m. amp. mobile. /amp /index.php .amp .html ;jsessionid= &amp; utm_ ref= rss=1 sid= m=1 // /./ /.. a-b %2e "
    "%3A%2F%2F https%3A aHR0cHM6 "
    "https://blog.example 。 xn-- :~: #/ #! &utm_ ?utm_a= blogspot.de .m.wikipedia.org twitter.com dQw4w9WgXcQ"
).split()
SOME_LINKS = st.lists(st.sampled_from(WRAPPED) | st.text("abAÜ/.?&=%#;+~", max_size=3), max_size=10).map("".join)
ANY_LINK = ANY_TEXT | SOME_LINKS | SOME_LINKS.map(lambda tail: f"https://blog.example/{tail}")


@settings(max_examples=1500)
@given(url=ANY_LINK)
@example(url="http://./a")
@example(url="http://a。。/")
@example(url="https://blog.example/?%")
@example(url="https://blog.example/#! #!")
@example(url="https://web.archive.org/%77eb/2020/http://blog.example/")
@example(url="https://href.li/?x=1&https://blog.example/a")
@example(url="https://blog.example/a-b/index.php/amp/index.html/.")
def test_canonical_is_idempotent(url: str) -> None:
    """Whatever a feed holds: the canonical form of a canonical URL is that URL, and it is "" or an https URL with a
    host, in plain ASCII."""
    once = canonical(url)
    assert canonical(once) == once
    is_front_page(once)
    if once:
        parts = urlsplit(once)
        assert parts.scheme == "https"
        assert parts.hostname
        assert once.isascii()
        assert len(once.split()) == 1


@settings(max_examples=300)
@given(
    noise=st.lists(st.sampled_from(["utm_source=a", "fbclid=b", "ref=c.example", "source=rss", "gclid="]), max_size=4),
    own=st.lists(st.sampled_from(["id=1", "p=2", "page=3", "q=a+b"]), unique=True, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_noise_and_order_make_no_difference(noise: list[str], own: list[str], order: Random) -> None:
    """Trackers anywhere among the parameters, and the parameters in any order, give the same page."""
    mixed = [*noise, *own]
    order.shuffle(mixed)
    assert canonical(f"{POST}?{'&'.join(mixed)}") == canonical(f"{POST}?{'&'.join(sorted(own))}")
