"""Which picture stands for a post? Clean HTML and files in, one picture out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape

from tidings.model import Enclosure, Picture

_SMALLEST = 120  # pixels; below are smileys, avatars, buttons and banners
_IMAGE = re.compile(r"<img\b([^<>]*+)>")
_ATTRIBUTE = re.compile(r'\s([^\s=<>"]+)="([^"<>]*+)"')
_CAPTION = re.compile(r"<figcaption\b[^<>]*+>(.*)</figcaption>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*+>")
# Addresses of what is drawn into texts and is no picture of theirs: faces, smileys, badges, buttons, counters,
# logos, formulas. SVG, too: few are pictures, and Gmail does not show them.
_ORNAMENT = re.compile(
    r"gravatar\.com/|/avatars?[/_.-]|[/_-]avatar\.|/(?:tw)?emojis?/|/smil(?:ey|ie)s?/|[/_-]smil(?:ey|ie)s?\.|/favicon|"
    r"/badges?[/_.-]|[/_-]badge\.|shields\.io/|badge\.fury\.io/|codecov\.io/|travis-ci\.|/buttons?/|[/_-]button\.|"
    r"/~ff/|feedburner\.com/~|feedsportal\.com/|addtoany|sharethis|buymeacoffee|ko-fi\.com/|paypalobjects\.com/|"
    r"/spacer\.|[/_-]pixel\.(?:gif|png)|pixel\.wp\.com/|/blank\.gif|1x1|doubleclick\.net/|google-analytics\.com/|"
    r"stats\.wordpress\.com/|images\.pheedo\.com/|facebook\.com/tr\b|amazon-adsystem\.com/|/latex\.php|"
    r"[/_-]logo\.(?:gif|png)|\.svg(?:[?#]|$)",
    re.IGNORECASE,
)
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|$)", re.IGNORECASE)


def find_picture(html: str, files: Sequence[Enclosure]) -> Picture | None:
    """The first picture of a post's clean HTML that is worth showing by itself, else the first among its files. Its
    description is the alternative text, else the caption below it."""
    return next(_pictures(html), None) or next(
        (Picture(file.url) for file in files if _is_picture(file) and not _ORNAMENT.search(file.url)), None
    )


def has_picture(html: str) -> bool:
    """Whether clean HTML has a picture worth showing by itself."""
    return any(True for _ in _pictures(html))


def _pictures(html: str) -> Iterator[Picture]:
    for image in _IMAGE.finditer(html):
        found = {name: unescape(value) for name, value in _ATTRIBUTE.findall(image[1])}
        url, width, height = found.get("src", ""), _pixels(found.get("width", "")), _pixels(found.get("height", ""))
        is_small = any(size is not None and size < _SMALLEST for size in (width, height))
        if _is_web(url) and not is_small and not _ORNAMENT.search(url):
            alt = " ".join(found.get("alt", "").split())
            yield Picture(url, width, height, alt or _caption(html, image.start()))


def _caption(html: str, place: int) -> str:
    """The caption of the figure that the picture at `place` is in, as one line."""
    start, ended = html.rfind("<figure", 0, place), html.rfind("</figure>", 0, place)
    if start <= ended:
        return ""
    caption = _CAPTION.search(html, start, max(html.find("</figure>", place), start))
    return " ".join(unescape(_TAG.sub(" ", caption[1])).split()) if caption else ""


def _is_picture(file: Enclosure) -> bool:
    """By its type; by its name where the feed does not say."""
    is_image = file.type.startswith("image/") and "svg" not in file.type
    return _is_web(file.url) and (is_image or (not file.type and bool(_PICTURE_FILE.search(file.url))))


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _pixels(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
