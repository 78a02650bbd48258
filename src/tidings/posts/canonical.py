"""What two links to one page have in common. Pure.

A canonical URL is for comparing and never shown or fetched. The rules lean to one side: two spellings of a page that
stay two cost a line in a digest; two pages taken for one cost a post. So nothing is dropped for looking like noise: a
parameter, a label or a tail goes when it is known to name no page, under the condition that stands beside it. The
lists were drawn up with those of ClearURLs, AdGuard, Miniflux, Neat URL and ural at hand, less what names a page
somewhere (`id`, `cid`, `tag`, `campaign_id`, `ref` on code hosts, `source` in general).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote_plus, unquote_plus, urlsplit

from tidings.posts.links import LONGEST, bare_host, carried, escaped, plain_parts, resolve, without_dot_segments

_MOST_LAYERS = 8  # wrappers in wrappers; more are somebody's joke

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[^\]]+\]")
_DEFAULT_PORTS = (80, 443)


class _Page(NamedTuple):
    """The parts of a canonical URL. `host` has its port if that is not a default one."""

    host: str
    path: str
    query: str
    route: str

    def __str__(self) -> str:
        return f"https://{self.host}{self.path}{'?' + self.query if self.query else ''}{self.route}"


@lru_cache(maxsize=2048)  # deciding on a document asks several times for each of its links
def canonical(url: str) -> str:
    """`url` without what differs between two links to the same page, or "" for what is not an http or https URL.

    Gone are: the wrapper around it; scheme, user, `www.`, mobile and AMP hosts, default port and letter case of the
    host; the order and spelling of parameters, and those that track; session ids, dot segments, doubled slashes, the
    names of index pages, AMP tails, the trailing slash; percent-encoding of plain characters (RFC 3986 section 6.2);
    the fragment, unless it is a route (`#!…`, `#/…`) and names the page. Never raises;
    canonical(canonical(x)) == canonical(x).
    """
    page = _page(url)
    for _ in range(_MOST_LAYERS):
        target = carried(page.host, page.path, page.query) if page else ""
        inner = _page(target) if target else None
        if inner is None:
            text = str(page or "")
            return text if len(text) <= LONGEST else ""  # Escapes may have made it longer than `resolve` takes.
        page = inner
    return ""


def is_front_page(canonical_url: str) -> bool:
    """Whether a canonical URL names a whole site, not a page of it: then it can't tell one story from another."""
    place = canonical_url.removeprefix("https://")
    return "?" not in place and "#" not in place and not place.partition("/")[2].strip("/")


def _page(url: str) -> _Page | None:
    port = None
    if plain := plain_parts(url):
        name, path, query, fragment = plain
    else:
        link = resolve("", url)
        if not link.startswith("http"):
            return None
        parts = urlsplit(link)
        name, path, query, fragment, port = parts.hostname or "", parts.path, parts.query, parts.fragment, parts.port
    path = _canonical_path(path)
    host = _canonical_host(bare_host(name), path)
    if not _HOST.fullmatch(host):
        return None
    place = f"{host}:{port}" if port and port not in _DEFAULT_PORTS else host
    query = _canonical_query(query, host, path) if query else ""
    route = _route(fragment) if fragment else ""
    return _as_video(_Page(place, path, query, route))


# ----------------------------------------------------------------------------------------------------------- hosts

_DEVICES = ("m.", "mobile.", "amp.", "www.")
# Below these everybody has a host of their own: mobile.wordpress.com is somebody's blog.
_SHARED = frozenset(
    "github.io gitlab.io blogspot.com wordpress.com tumblr.com substack.com medium.com livejournal.com netlify.app "
    "vercel.app pages.dev web.app herokuapp.com neocities.org bearblog.dev micro.blog ghost.io hatenablog.com "
    "typepad.com weebly.com wixsite.com codeberg.page write.as itch.io fandom.com readthedocs.io".split()
)
_SECOND_LEVEL = re.compile(r"(?:com?|net|org|gov|edu|ac|or|ne|go|gob|gouv|in|info|me|nom|ltd|plc)\.[a-z]{2}")
_WIKIMEDIA = re.compile(r"\.m\.(?=wik(?:ipedia|tionary|inews|iquote|ibooks|isource|iversity|ivoyage|imedia)\.org$)")
_BLOGSPOT = re.compile(r"\.blogspot\.(?:com?\.)?[a-z]{2,3}$")  # Blogger sends a visitor to the one of their country
_SAME_SERVICE = {
    "twitter.com": "x.com",
    "old.reddit.com": "reddit.com",
    "new.reddit.com": "reddit.com",
    "np.reddit.com": "reddit.com",
}


def _canonical_host(host: str, path: str) -> str:
    """`m.`, `mobile.` and `amp.` go when there is a path below a registered name. Without one they stay: there are
    hosts called so (amp.dev), and `?p=1` of m.blog.example may be another post than `?p=1` of blog.example."""
    if ".blogspot." in host:
        host = _BLOGSPOT.sub(".blogspot.com", host)
    if path:
        host = _without_device(host)
    if ".m.wik" in host:
        host = _WIKIMEDIA.sub(".", host)
    return _SAME_SERVICE.get(host, host)


def _without_device(host: str) -> str:
    while host.startswith(_DEVICES):
        rest = host.partition(".")[2]
        if "." not in rest or rest in _SHARED or _SECOND_LEVEL.fullmatch(rest):
            return host
        host = rest
    return host


# ----------------------------------------------------------------------------------------------------------- paths

_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_LOST_QUESTION_MARK = re.compile(r"&(?:amp;)*utm_.*")
_SLASHES = re.compile(r"(?<!:)/{2,}")  # not those of a URL within the path
_INDEX_PAGES = frozenset(
    "index.html index.htm index.xhtml index.shtml index.php index.php3 index.php5 index.phtml index.asp index.aspx "
    "index.jsp index.cfm index.cgi index.pl default.htm default.html default.asp default.aspx".split()
)
_AMP_ENDING = re.compile(r"(?:\.amp)+(\.html?)?$", re.IGNORECASE)
# Slugs of posts have a hyphen between words, ids have five digits and more. /gear/amp and /2019/amp are pages of amps.
_NAMED_LIKE_A_POST = re.compile(r"(?=[^/]*[-_.])(?=[^/]*[A-Za-z%])[^/]+|[^/]*\d{5,}[^/]*")


def _canonical_path(path: str) -> str:
    path = escaped(path)
    if ";" in path:
        path = _SESSION_IN_PATH.sub("", path)
    if "&" in path:
        path = _LOST_QUESTION_MARK.sub("", path)
    if "/." in path:
        path = without_dot_segments(path)
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return _without_tails(path)


def _without_tails(path: str) -> str:
    """Without trailing slashes, and without the names of index pages and of the AMP version of a post at the end."""
    while True:
        path = path.rstrip("/")
        folder, _, last = path.rpartition("/")
        lower = last.lower()
        if lower in _INDEX_PAGES or (lower == "amp" and _NAMED_LIKE_A_POST.fullmatch(folder.rpartition("/")[2])):
            path = folder
        elif ".amp" in lower and (shorter := _without_amp_ending(last)) != last:
            path = f"{folder}/{shorter}"
        else:
            return path


def _without_amp_ending(name: str) -> str:
    ending = _AMP_ENDING.search(name)
    if ending is None or not (ending[1] or _NAMED_LIKE_A_POST.fullmatch(name[: ending.start()])):
        return name
    return name[: ending.start()] + (ending[1] or "")


# ------------------------------------------------------------------------------------------------ services, routes

_YOUTUBE = ("youtube.com", "youtube-nocookie.com", "music.youtube.com", "youtu.be")
_VIDEO_IN_PATH = re.compile(r"(?:/(?:shorts|embed|live|v))?/([A-Za-z0-9_-]{11})")
_VIDEO_IN_QUERY = re.compile(r"(?:.*&)?v=([A-Za-z0-9_-]{11})(?:&.*)?")


def _as_video(page: _Page) -> _Page:
    """A page of one video on YouTube under its one name: the id is all that names it, in whatever player or list."""
    if page.host not in _YOUTUBE:
        return page
    if page.path == "/watch":
        found = _VIDEO_IN_QUERY.fullmatch(page.query)
    elif page.host == "youtu.be" or page.path.count("/") == 2:
        found = _VIDEO_IN_PATH.fullmatch(page.path)
    else:
        return page
    return _Page("youtube.com", "/watch", f"v={found[1]}", "") if found else page


def _route(fragment: str) -> str:
    """The fragment of an application that draws a page for each; "" for a place on the page, for where a link was
    clicked (`#Echobox=…`, `#xtor=…`, `#ref=rss`) and for the words to mark (`:~:text=`)."""
    route = fragment.partition(":~:")[0]
    if not route.startswith(("!", "/")) or route.startswith("//") or not route.strip("!/"):
        return ""
    return f"#{escaped(route)}"


# ------------------------------------------------------------------------------------------------------ parameters

_PLAIN_TEXT = re.compile(r"[A-Za-z0-9._~-]*")
_PLAIN_PAIR = r"[A-Za-z0-9._~-]*+(?:=[A-Za-z0-9._~-]*+)?+"
_PLAIN_QUERY = re.compile(f"{_PLAIN_PAIR}(?:&{_PLAIN_PAIR})*+")
_ESCAPED_AGAIN = re.compile(r"(?:^|&)(?:amp;)+")
_LATE_QUESTION_MARK = re.compile(r"\?(?=(?:utm_[a-z]+|fbclid|gclid|ref|source)=)", re.IGNORECASE)


def _canonical_query(query: str, host: str, path: str) -> str:
    """The parameters that name the page, by name; those of one name (`tag=a&tag=b`) stay in their order.

    Bytes that are no UTF-8 come through as they are: old sites escape Latin-1 or Shift-JIS. Links escaped twice
    (`&amp;`) and links with a second question mark where a tracker was added are read as they were meant.
    """
    if "amp;" in query:
        query = _ESCAPED_AGAIN.sub("&", query)
    if "?" in query:
        query = _LATE_QUESTION_MARK.sub("&", query)
    kept = []
    spelled = _PLAIN_QUERY.fullmatch(query) is not None
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if not spelled:
            name, value = _spelled(name), _spelled(value)
        if (name or value) and not _is_noise(name.lower(), value, host, path):
            kept.append((name, f"{name}={value}"))
    kept.sort(key=lambda named: named[0])
    return "&".join(pair for _, pair in kept)


def _spelled(text: str) -> str:
    if _PLAIN_TEXT.fullmatch(text):
        return text
    return quote_plus(unquote_plus(text, errors="surrogateescape"), errors="surrogateescape")


def _is_noise(name: str, value: str, host: str, path: str) -> bool:
    """Whether a parameter says how the reader came or what for, and not which page it is."""
    if name in _TRACKING or name.startswith(_TRACKING_PREFIXES):
        return True
    if name in _of_service(host):
        return True
    if name == "ref":
        return _is_referrer(value, host, path)
    if name in _OF_SUBSTACK and _SUBSTACK_PATH.fullmatch(path):
        return True
    condition = _CONDITIONS.get(name)
    return condition is not None and condition.fullmatch(value) is not None and _applies(name, host, path)


@lru_cache(maxsize=512)
def _of_service(host: str) -> frozenset[str]:
    return _OF_SERVICE.get(host) or _OF_SERVICE.get(".".join(host.split(".")[-2:])) or frozenset()


def _applies(name: str, host: str, path: str) -> bool:
    if name == "rss":
        return bool(path)  # `/?rss=1` is a feed itself, of sites whose posts say `/post?rss=1`.
    if name in ("s", "sid"):
        return _FORUM_PATH.search(path) is not None
    if name == "m":
        return host.endswith(".blogspot.com") or _BLOGGER_PATH.fullmatch(path) is not None
    return True


def _is_referrer(value: str, host: str, path: str) -> bool:
    """Ghost adds `ref` with its own host or its newsletter to every link that leads outside; others add a word. On
    hosts of code `ref` is the branch, and branches may be called `release.next`."""
    if host in _CODE_HOSTS or host.startswith(_CODE_LABELS) or _CODE_PATH.search(path):
        return False
    return _REFERRER.fullmatch(value) is not None


_TRACKING_PREFIXES = tuple(
    # Google, Matomo, HubSpot, Olytics, Vero, Eloqua, Blueshift, Ometria, AT Internet, comScore, Webtrends, Branch
    "utm_ _ga_ mtm_ matomo_ pk_ piwik_ itm_ otm_ hmb_ hsa_ _hs __hs oly_ vero_ elq bsft_ oft_ at_ ns_ wt. "
    "fb_action_ guce_ _branch_".split()
)
_TRACKING = frozenset(
    # Clicks on advertisements and in social networks
    "fbclid gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid msclkid yclid ysclid _openstat twclid "
    "ttclid igshid igsh mibextid li_fat_id epik rdt_cid scclid qclid irclickid irgwc cjevent awc sscid dicbo "
    "tblci oborigurl rb_clickid wickedid ymclid unicorn_click_id s_cid sc_cid s_campaign s_kwcid ef_id cmpid "
    "ncid intcmp cm_mmc ftcamp hss_channel "
    "fb_ref fb_source fb_comment_id action_object_map action_type_map action_ref_map "
    "__twitter_impression ref_src ref_url ref_source ref_campaign spref soc_src soc_trk sr_share "
    "is_from_webapp sender_device is_copy_url isappinstalled attribution_id attribution_type "
    # Mail: Mailchimp, Marketo, Drip, Klaviyo, ActiveCampaign, dotdigital, MailerLite, beehiiv, ConvertKit, Listrak
    "mc_cid mc_eid mc_tc mc_id mkt_tok __s _ke _kx vgo_ee dm_i ml_subscriber ml_subscriber_hash _bhlid "
    "ck_subscriber_id trk_contact trk_msg trk_module trk_sid hsctatracking et_rid bbeml ss_email_id "
    "sc_customer sc_eh sc_uid "
    # Analytics
    "ga_source ga_medium ga_campaign ga_term ga_content ga_place _ga _gl campaign_source campaign_medium "
    "campaign_name campaign_term campaign_content tracking_source wt_mc wt_zmc wtmc wtrid xtor xtref echobox "
    "spm scm guccounter maca wprss tp_image_id __readwiselocation "
    # Sessions; what AMP caches and WordPress add; the reply box of a comment
    "phpsessid jsessionid aspsessionid oscsid zenid usqp amp_js_v amp_gsa doing_wp_cron replytocom".split()
)

_FROM_A_FEED = re.compile(r"(?:rss|atom|feedburner)(?:[-_.\d].*)?|feed", re.IGNORECASE)
_YES = re.compile(r"1|true|yes|")
_AS_AMP = re.compile("amp", re.IGNORECASE)
_SESSION = re.compile(r"[0-9a-f]{32}")
# Parameters that name the page in one place and the way to it in another: noise with these values only.
_CONDITIONS = {
    **dict.fromkeys(
        "source src .tsrc via partner emc mod cid icid cmp fr fsrc eref iref feedtype referrer referer origin".split(),
        _FROM_A_FEED,
    ),
    "from": re.compile(rf"{_FROM_A_FEED.pattern}|timeline|(?:single|group)message", re.IGNORECASE),
    "amp": _YES,
    "noamp": re.compile("1|available|mobile"),
    "rss": _YES,
    "m": re.compile("[01]"),  # Blogger's mobile view; elsewhere a month (WordPress: m=202601)
    "outputtype": _AS_AMP,
    "output": _AS_AMP,
    "mode": _AS_AMP,
    "sid": _SESSION,
    "s": _SESSION,
    "gi": re.compile("[0-9a-f]{12}"),  # Medium on hosts of its writers
}
_BLOGGER_PATH = re.compile(r"/(?:\d{4}/\d{2}|p)/[^/]+\.html")

# The script of a thread or a forum in phpBB and vBulletin, which add the session to links of visitors without cookies.
_FORUM_PATH = re.compile(r"/(?:view(?:topic|forum)|show(?:thread|post)|forumdisplay|threads?|topics?)\.php$")
_SUBSTACK_PATH = re.compile(r"/p/[a-z0-9-]+")  # on hosts of its writers as well
_OF_SUBSTACK = frozenset("r s isfreemail publication_id post_id token triedredirect showwelcomeonshare".split())
# What single services add to links, by host or by its last two labels.
_OF_SERVICE: dict[str, frozenset[str]] = {
    service: frozenset(names.split())
    for service, names in {
        "x.com": "s t",
        "tiktok.com": "_t _r _d web_id",
        "linkedin.com": "trk trkinfo trackingid lipi midtoken",
        "medium.com": "source sk gi",
        "tumblr.com": "source",
        "blogspot.com": "showcomment",
        "facebook.com": "__tn__ refid ref fref _rdr",
        "spotify.com": "si",
        "reddit.com": "share_id rdt correlation_id",
        "nytimes.com": "smid partner emc unlocked_article_code _r",
        "washingtonpost.com": "tid",
        "wsj.com": "mod st reflink",
        "theguardian.com": "cmp",
        "theatlantic.com": "gift",
        "dailymail.co.uk": "ito",
        "bloomberg.com": "srnd sref",
        "wired.com": "mbid",
        "newyorker.com": "mbid",
        "reuters.com": "feedname virtualbrandchannel rpc",
        "npr.org": "ft f",
        "cnet.com": "ftag",
        "zdnet.com": "ftag",
        "bbc.com": "ocid",
        "bbc.co.uk": "ocid",
        "msn.com": "ocid",
        "microsoft.com": "ocid",
    }.items()
}

_CODE_HOSTS = frozenset(
    "github.com api.github.com raw.githubusercontent.com gitlab.com bitbucket.org codeberg.org sr.ht gitea.com "
    "gitee.com huggingface.co sourceforge.net".split()
)
_CODE_LABELS = ("git.", "gitlab.", "gitea.", "forgejo.", "cgit.", "code.", "source.", "bitbucket.", "gerrit.")
_CODE_PATH = re.compile(r"/(?:-|blob|tree|blame|commits?|contents|raw|branch)(?:/|$)")
_REFERRER = re.compile(
    r"(?:[a-z0-9-]+\.)+[a-z]{2,24}|[a-z0-9-]+-newsletter|(?:rss|feed|atom|newsletter|twitter|facebook|linkedin|reddit"
    r"|mastodon|bluesky|hackernews|producthunt|fb|tw|hn)(?:[-_].*)?",
    re.IGNORECASE,
)
