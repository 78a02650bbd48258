"""Pictures: which one stands for a post."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.editions.pictures import find_picture, has_picture
from tidings.model import Enclosure, Picture
from tidings.posts.clean import clean

CAT = '<img src="https://blog.example/cat.jpg">'


def found(html: str, *files: Enclosure) -> str:
    """The address of the picture that stands for a post, "" for none."""
    picture = find_picture(clean(html, "https://blog.example/"), files)
    return picture.url if picture else ""


@pytest.mark.parametrize(
    "url",
    [
        "https://secure.gravatar.com/avatar/abc?s=96",
        "https://blog.example/avatars/ada.png",
        "https://blog.example/ada-avatar.png",
        "https://s.w.org/images/core/emoji/15/72x72/1f600.png",
        "https://cdn.example/twemoji/1f600.png",
        "https://blog.example/wp-includes/images/smilies/wink.gif",
        "https://img.shields.io/pypi/v/tidings",
        "https://badge.fury.io/py/tidings.png",
        "https://codecov.io/gh/x/y/graph/badge.png",
        "https://feeds.feedburner.com/~ff/Blog?d=yIl2AUoC8zA",
        "http://feeds.feedburner.com/~r/Blog/~4/abc",
        "https://blog.example/images/share-button.png",
        "https://www.buymeacoffee.com/assets/img/custom_images/orange_img.png",
        "https://www.paypalobjects.com/en_US/i/btn/btn_donate_LG.gif",
        "https://blog.example/spacer.gif",
        "https://pixel.wp.com/g.gif",
        "https://blog.example/images/pixel.gif",
        "https://ad.doubleclick.net/ad/1",
        "https://blog.example/drawing.svg?v=2",
        "https://blog.example/acm-logo.gif",
        "https://s0.wp.com/latex.php?latex=%5Cwp&bg=ffffff",
    ],
)
def test_ornaments_are_no_pictures(url: str) -> None:
    """Faces, smileys, badges, buttons, counters and logos are passed over; the picture behind them is taken."""
    assert found(f'<p><img src="{url}"></p>') == ""
    assert found(f'<p><img src="{url}"> {CAT}</p>') == "https://blog.example/cat.jpg"
    assert not has_picture(clean(f'<img src="{url}">', "https://blog.example/"))


@pytest.mark.parametrize(
    "url",
    [
        "https://blog.example/google-pixel-9.jpg",
        "https://blog.example/emoji-history.png",
        "https://blog.example/share-your-work.jpg",
        "https://blog.example/smile.jpg",
        "https://blog.example/tracking-santa.jpg",
        "https://blog.example/image?id=4",
    ],
)
def test_pictures_of_such_things_are_pictures(url: str) -> None:
    """A word in the name of a picture does not make an ornament of it."""
    assert found(f'<img src="{url}">') == url


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ("", True),
        ('width="120" height="120"', True),
        ('width="119"', False),
        ('height="60" width="468"', False),
        ('width="80%"', True),
        ('width="1" height="1"', False),
    ],
)
def test_small_pictures_are_passed_over(size: str, taken: bool) -> None:
    """What is said to be lower or narrower than 120 pixels is a banner or an icon."""
    assert bool(found(f'<img src="https://blog.example/a.jpg" {size}>')) is taken


@pytest.mark.parametrize("url", ["data:image/png;base64,AAAA", "/relative.png", "cid:1", "javascript:x"])
def test_only_the_web_has_pictures(url: str) -> None:
    """Whatever gets past cleaning, a picture in the text itself or of another kind is none."""
    assert find_picture(f'<img src="{url}">', (Enclosure(url, "image/png", None),)) is None


def test_a_picture_says_what_it_is() -> None:
    """Address, size and description are given as a reader would see them."""
    html = '<p><img src="https://x.example/a?b=1&amp;c=2" alt=" A &amp;\n B " width="800" height="600"></p>'
    assert find_picture(html, ()) == Picture("https://x.example/a?b=1&c=2", 800, 600, "A & B")
    assert find_picture('<img src="https://x.example/a">', ()) == Picture("https://x.example/a")


@pytest.mark.parametrize(
    ("html", "alt"),
    [
        (f"<figure>{CAT}<figcaption>A <em>cat</em> &amp; dog</figcaption></figure>", "A cat & dog"),
        (f'<figure dir="rtl"><figcaption>Above</figcaption><a>{CAT}</a></figure>', "Above"),
        ('<figure><img src="https://x.example/a" alt="Own"><figcaption>No</figcaption></figure>', "Own"),
        (f"<figure>{CAT}</figure><figure><figcaption>Of another</figcaption></figure>", ""),
        (f"<figure><figcaption>Of another</figcaption></figure><p>{CAT}</p>", ""),
        (f"<p>{CAT}</p><figure><figcaption>Of another</figcaption></figure>", ""),
    ],
)
def test_a_caption_describes_a_picture(html: str, alt: str) -> None:
    """The caption of its own figure stands in for a description that is not there."""
    picture = find_picture(html, ())
    assert picture is not None
    assert picture.alt == alt


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        (Enclosure("https://x.example/a", "image/jpeg", None), True),
        (Enclosure("https://x.example/a.jpg?w=9", "", None), True),
        (Enclosure("https://x.example/a", "", None), False),
        (Enclosure("https://x.example/a.mp3", "audio/mpeg", None), False),
        (Enclosure("https://x.example/a.jpg", "text/html", None), False),
        (Enclosure("https://x.example/a", "image/svg+xml", None), False),
        (Enclosure("https://secure.gravatar.com/avatar/a.png", "image/png", None), False),
    ],
)
def test_a_file_may_be_the_picture(file: Enclosure, taken: bool) -> None:
    """A post without a picture in its text is shown by the first of its files that is one."""
    sound = Enclosure("https://x.example/0.mp3", "audio/mpeg", None)
    assert bool(found("<p>Text</p>", sound, file)) is taken
    assert found(CAT, file) == "https://blog.example/cat.jpg"


@given(
    html=st.text("<>=\"' imgscrfueahtp:/.x&;", max_size=200),
    url=st.text(max_size=30),
    kind=st.sampled_from(["", "image/png"]),
)
def test_nothing_breaks_it(html: str, url: str, kind: str) -> None:
    """Whatever a post holds, there is a picture from the web or none, and no error."""
    for markup in (html, clean(html, "https://blog.example/")):
        picture = find_picture(markup, (Enclosure(url, kind, None),))
        assert picture is None or picture.url.startswith(("http://", "https://"))
