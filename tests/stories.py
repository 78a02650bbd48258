"""The labelled posts of tests/data/stories: read as the pipe reads them, judged, and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tidings.posts.clean import clean, visible_text
from tidings.posts.links import host
from tidings.posts.telling import Piece, Verdict, landmarks, piece, tell

FOLDER = Path(__file__).parent / "data" / "stories"


@dataclass(frozen=True)
class Judged:
    """A labelled pair and what was said of it. `verdict` is what tell() says; `found` whether an index would have led
    from one to the other as well."""

    one: str
    other: str
    kind: str
    same: bool
    verdict: Verdict | None
    found: bool

    @property
    def merged(self) -> bool:
        return self.verdict is not None and self.found


@dataclass
class Report:
    """Precision, recall and the pairs judged wrongly."""

    pairs: list[Judged] = field(default_factory=list)

    @property
    def wrongly_merged(self) -> list[Judged]:
        return [pair for pair in self.pairs if pair.verdict and not pair.same]

    @property
    def missed(self) -> list[Judged]:
        return [pair for pair in self.pairs if pair.same and not pair.merged]

    @property
    def precision(self) -> float:
        right = sum(pair.merged for pair in self.pairs if pair.same)
        return right / max(right + len(self.wrongly_merged), 1)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / max(sum(pair.same for pair in self.pairs), 1)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield f"precision {self.precision:.4f}, recall {self.recall:.4f}, {len(self.pairs)} pairs"
        totals = Counter((pair.same, pair.kind) for pair in self.pairs)
        right = Counter(
            (pair.same, pair.kind)
            for pair in self.pairs
            if pair.same == (pair.merged if pair.same else pair.verdict is not None)
        )
        for (same, kind), total in sorted(totals.items(), key=lambda row: (not row[0][0], row[0][1])):
            yield f"{'same' if same else 'different':<10} {kind:<22} {right[same, kind]:>4} of {total:>4}"
        for pair in self.wrongly_merged:
            yield f"wrongly merged: {pair.one} {pair.other} ({pair.kind}): {pair.verdict}"
        for pair in self.missed:
            yield f"missed: {pair.one} {pair.other} ({pair.kind}){'' if pair.found else ', no landmark shared'}"


def read(name: str) -> tuple[dict[str, Piece], list[dict[str, Any]]]:
    """The pieces of a set by id, and its labelled pairs."""
    posts = {post["id"]: _piece(post) for post in _rows(name, "posts")}
    return posts, list(_rows(name, "pairs"))


def evaluate(name: str) -> Report:
    """All pairs of a set, judged."""
    pieces, pairs = read(name)
    report = Report()
    for pair in pairs:
        one, other = pieces[pair["a"]], pieces[pair["b"]]
        found = not set(landmarks(one)).isdisjoint(landmarks(other))
        report.pairs.append(
            Judged(pair["a"], pair["b"], pair["kind"], pair["label"] == "same", tell(one, other), found)
        )
    return report


def _rows(name: str, kind: str) -> Iterator[dict[str, Any]]:
    with (FOLDER / name / f"{kind}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _piece(post: dict[str, Any]) -> Piece:
    html = clean(post["content_html"] or post["summary_html"], post["url"])
    return piece(
        site=host(post["source"]),
        url=post["url"],
        title=post["title"],
        text=visible_text(html),
        content_html=html,
        language=post["language"],
        origin_url=post["origin_url"],
        dated=datetime.fromisoformat(post["published"]),
    )
