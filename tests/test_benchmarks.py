"""The benchmarks still run, and measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import POINTS
from tests.postfix import require_postfix

ROOT = Path(__file__).resolve().parents[1]
SINK = "/usr/sbin/smtp-sink"


@pytest.mark.parametrize("workers", ["inline", "processes"])
def test_the_poll_benchmark_runs(workers: str) -> None:
    """Each round polls cold, unchanged and with one new post in each feed, and reports time and posts of each phase."""
    options = ["--feeds", "3", "--rounds", "1", "--seed", "7", "--workers", workers]
    command = [sys.executable, str(ROOT / "benchmarks" / "poll.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["feeds"], report["seed"], report["workers"]) == (3, 7, workers)
    (only,) = report["rounds"]
    assert list(only) == ["cold", "unchanged", "one_new"]
    assert only["cold"]["posts"] >= 30
    assert (only["unchanged"]["posts"], only["one_new"]["posts"]) == (0, 3)
    assert all(phase["wall_seconds"] > 0 and phase["cpu_seconds"] > 0 for phase in only.values())


def test_the_archive_benchmark_runs(tmp_path: Path) -> None:
    """Databases are filled once, marks included, and used again; documents of one and of twenty new posts are read in
    each, and what they brought is checked."""
    options = ["--folder", str(tmp_path), "--feeds", "3", "--posts", "80", "160", "--rounds", "2"]
    command = [sys.executable, str(ROOT / "benchmarks" / "archive.py"), *options]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["posts"] == [80, 160]
        assert min(report["marks"]) >= 80
        stages = [f"{new} new: {stage}" for new in (1, 20) for stage in ("known", "plan", "save", "all")]
        assert list(report["stages"]) == stages
        assert all(min(stage["cpu_ms"]) > 0 for stage in report["stages"].values())


def test_the_planet_benchmark_runs(tmp_path: Path) -> None:
    """A planet is built, found up to date, and built once more for one post; what that costs a post is compared."""
    options = ["--folder", str(tmp_path), "--posts", "20", "60", "--feeds", "4", "--rounds", "1"]
    command = [sys.executable, str(ROOT / "benchmarks" / "planet.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["cost_per_post_ratio"] > 0
    for size in report["sizes"]:
        assert size["idle"]["files"] == 0
        assert size["full"]["files"] > size["posts"]
        assert 0 < size["one_new"]["files"] < 40


@pytest.mark.parametrize("server", ["smtp-sink", "postfix"])
def test_the_deliveries_benchmark_runs(server: str) -> None:
    """Both ways are measured, to a server that does nothing else and to a real one, and all of an issue's readers are
    served."""
    if server == "postfix":
        require_postfix()
    elif not Path(SINK).exists():
        pytest.skip("there is no smtp-sink of Postfix")
    options = ["--server", server, "--readers", "40", "--rounds", "1", "--dkim", "--bounces"]
    command = [sys.executable, str(ROOT / "benchmarks" / "deliveries.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["server"], report["readers"], report["connections"], report["dkim"]) == (server, 40, 4, True)
    (only,) = report["rounds"]
    assert all(only[who][figure] > 0 for who in ("bare", "ours") for figure in ("rate", "cpu_ms", "mb_peak"))
    assert report["ratio"] == only["ours"]["rate"] / only["bare"]["rate"]


def test_the_kills_are_counted() -> None:
    """A run at each point, and one line that says what became of them."""
    options = ["--kills", str(len(POINTS)), "--readers", "30"]
    command = [sys.executable, str(ROOT / "benchmarks" / "deliveries.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"] == len(POINTS)
    assert done.stderr.startswith("good: ")
    assert "runs killed, at 9 points; " in done.stderr
    assert " 0 lost, 0 repeated without being named, " in done.stderr


def test_the_same_seed_makes_the_same_feeds() -> None:
    """What is polled follows from the seed, so that two runs can be compared."""
    code = "import poll, sys; print([poll.Feeds(2, int(seed)).served for seed in sys.argv[1:]])"
    folder = ROOT / "benchmarks"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, seed], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "1", "2")
    ]
    assert runs[0] == runs[1] != runs[2]


def test_the_kills_are_counted_and_shown() -> None:
    """Deliveries are killed at one point after the other, and the report says of each how often."""
    command = [sys.executable, str(ROOT / "benchmarks" / "deliveries.py"), "--kills", "3", "--readers", "9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["runs"], report["lost"]) == (3, [])
    assert sum(report["points"].values()) == report["killed"]
