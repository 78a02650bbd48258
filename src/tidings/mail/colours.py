"""Colours as CSS and old attributes write them, and how well one can be read on another (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache
from typing import NamedTuple


class Colour(NamedTuple):
    """Red, green and blue from 0 to 255, and how much of it covers what is behind, from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def __str__(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*(round(value) for value in self[:3]))

    def over(self, behind: Colour) -> Colour:
        """What is seen of it on an opaque colour."""
        mixed = (self.alpha * own + (1 - self.alpha) * other for own, other in zip(self[:3], behind[:3], strict=True))
        return Colour(*mixed)

    def inverted(self) -> Colour:
        """The colour as clients make it that turn all colours around for a dark screen."""
        return Colour(255 - self.red, 255 - self.green, 255 - self.blue, self.alpha)


_NAMES = dict(
    pair.split("=")
    for pair in """
aliceblue=f0f8ff antiquewhite=faebd7 aqua=00ffff aquamarine=7fffd4 azure=f0ffff beige=f5f5dc bisque=ffe4c4 black=000000
blanchedalmond=ffebcd blue=0000ff blueviolet=8a2be2 brown=a52a2a burlywood=deb887 cadetblue=5f9ea0 chartreuse=7fff00
chocolate=d2691e coral=ff7f50 cornflowerblue=6495ed cornsilk=fff8dc crimson=dc143c cyan=00ffff darkblue=00008b
darkcyan=008b8b darkgoldenrod=b8860b darkgray=a9a9a9 darkgreen=006400 darkgrey=a9a9a9 darkkhaki=bdb76b
darkmagenta=8b008b darkolivegreen=556b2f darkorange=ff8c00 darkorchid=9932cc darkred=8b0000 darksalmon=e9967a
darkseagreen=8fbc8f darkslateblue=483d8b darkslategray=2f4f4f darkslategrey=2f4f4f darkturquoise=00ced1
darkviolet=9400d3 deeppink=ff1493 deepskyblue=00bfff dimgray=696969 dimgrey=696969 dodgerblue=1e90ff firebrick=b22222
floralwhite=fffaf0 forestgreen=228b22 fuchsia=ff00ff gainsboro=dcdcdc ghostwhite=f8f8ff gold=ffd700 goldenrod=daa520
gray=808080 green=008000 greenyellow=adff2f grey=808080 honeydew=f0fff0 hotpink=ff69b4 indianred=cd5c5c indigo=4b0082
ivory=fffff0 khaki=f0e68c lavender=e6e6fa lavenderblush=fff0f5 lawngreen=7cfc00 lemonchiffon=fffacd lightblue=add8e6
lightcoral=f08080 lightcyan=e0ffff lightgoldenrodyellow=fafad2 lightgray=d3d3d3 lightgreen=90ee90 lightgrey=d3d3d3
lightpink=ffb6c1 lightsalmon=ffa07a lightseagreen=20b2aa lightskyblue=87cefa lightslategray=778899
lightslategrey=778899 lightsteelblue=b0c4de lightyellow=ffffe0 lime=00ff00 limegreen=32cd32 linen=faf0e6
magenta=ff00ff maroon=800000 mediumaquamarine=66cdaa mediumblue=0000cd mediumorchid=ba55d3 mediumpurple=9370db
mediumseagreen=3cb371 mediumslateblue=7b68ee mediumspringgreen=00fa9a mediumturquoise=48d1cc mediumvioletred=c71585
midnightblue=191970 mintcream=f5fffa mistyrose=ffe4e1 moccasin=ffe4b5 navajowhite=ffdead navy=000080 oldlace=fdf5e6
olive=808000 olivedrab=6b8e23 orange=ffa500 orangered=ff4500 orchid=da70d6 palegoldenrod=eee8aa palegreen=98fb98
paleturquoise=afeeee palevioletred=db7093 papayawhip=ffefd5 peachpuff=ffdab9 peru=cd853f pink=ffc0cb plum=dda0dd
powderblue=b0e0e6 purple=800080 rebeccapurple=663399 red=ff0000 rosybrown=bc8f8f royalblue=4169e1 saddlebrown=8b4513
salmon=fa8072 sandybrown=f4a460 seagreen=2e8b57 seashell=fff5ee sienna=a0522d silver=c0c0c0 skyblue=87ceeb
slateblue=6a5acd slategray=708090 slategrey=708090 snow=fffafa springgreen=00ff7f steelblue=4682b4 tan=d2b48c
teal=008080 thistle=d8bfd8 tomato=ff6347 turquoise=40e0d0 violet=ee82ee wheat=f5deb3 white=ffffff whitesmoke=f5f5f5
yellow=ffff00 yellowgreen=9acd32
""".split()
)
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)")
_NUMBER = re.compile(r"([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))(%|deg)?")
_URL = re.compile(r"url\([^()]*\)", re.IGNORECASE)
_LONGEST = 1_000  # characters of a shorthand that are read
_TOKEN = re.compile(r"(?:rgb|hsl)a?\([^()]*\)|#[0-9a-f]+|[a-z]+(?![\w(-])", re.IGNORECASE)


@lru_cache(maxsize=1024)
def colour(text: str) -> Colour | None:
    """The colour that a CSS value or a legacy attribute names (hexadecimal, rgb(), hsl(), by name, transparent); None
    for everything else, such as `inherit`, a variable or a gradient."""
    text = text.strip().lower()
    if text == "transparent":
        return Colour(0, 0, 0, 0)
    if function := _FUNCTION.fullmatch(text):
        return _of_function(function[1], function[2])
    digits = _HEX.fullmatch(_NAMES.get(text, text))
    if not digits:
        return None
    pairs = digits[1] if len(digits[1]) > 4 else "".join(digit * 2 for digit in digits[1])
    values = [int(pairs[start : start + 2], 16) for start in range(0, len(pairs), 2)]
    return Colour(values[0], values[1], values[2], values[3] / 255 if len(values) == 4 else 1.0)


def colour_in(value: str) -> Colour | None:
    """The colour in a `background` shorthand; transparent where it says `none`, None where it names no colour."""
    value = _URL.sub(" ", value[:_LONGEST])
    if value.strip().lower() == "none":
        return Colour(0, 0, 0, 0)
    if "gradient" in value.lower():
        return None
    found = [known for token in _TOKEN.findall(value) if (known := colour(token))]
    return found[-1] if found else None


def contrast(one: Colour, other: Colour) -> float:
    """The ratio of contrast of two opaque colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=1024)
def _luminance(of: Colour) -> float:
    """WCAG 2.2, "relative luminance"."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _shares(of)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _shares(of: Colour) -> list[float]:
    return [value / 255 for value in of[:3]]


def _of_function(name: str, inside: str) -> Colour | None:
    numbers = [_NUMBER.fullmatch(word) for word in re.split(r"[\s,/]+", inside.strip())]
    if len(numbers) not in (3, 4) or None in numbers:
        return None
    values = [(float(number[1]), number[2] == "%") for number in numbers if number]
    alpha = 1.0
    if len(values) == 4:
        alpha = _within(values[3][0] / (100 if values[3][1] else 1), 1)
    if name == "rgb":
        red, green, blue = (_within(value * 255 / 100 if percent else value, 255) for value, percent in values[:3])
        return Colour(red, green, blue, alpha)
    hue, saturation, lightness = values[0][0] % 360 / 360, values[1][0] / 100, values[2][0] / 100
    red, green, blue = colorsys.hls_to_rgb(hue, _within(lightness, 1), _within(saturation, 1))
    return Colour(red * 255, green * 255, blue * 255, alpha)


def _within(value: float, highest: float) -> float:
    return max(0.0, min(value, highest))
