"""The database file: opening, migrating, writing in turn, and the right to do a task alone."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stocking import blog, configure, post, receive, scalar, titles
from tidings.errors import StoreError
from tidings.store import Store, database, exclusive, open_store, site
from tidings.store.database import text_to_time, time_to_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HOLD = """
import sys
from pathlib import Path
from tidings.store import exclusive, open_store
with open_store(Path(sys.argv[1])) as store, exclusive(store, "deliver"):
    print("held", flush=True)
    sys.stdin.read()
"""
_WRITE = """
import sys
from pathlib import Path
from tests.stocking import blog, post, receive
from tidings.store import open_store
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    with open_store(path) as store:
        receive(store, blog(name), post(f"{name}-{number}-a"), post(f"{name}-{number}-b"))
"""
_OPEN = """
import sys
from pathlib import Path
from tidings.store import open_store
sys.stdin.readline()
with open_store(Path(sys.argv[1])) as store:
    print(store.row("SELECT count(*) AS n FROM site")["n"])
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_ended_well(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


# ------------------------------------------------------------------------------------------------------- opening


def test_opening_again_keeps_what_was_stored(tmp_path: Path) -> None:
    """A database is made with its folder at the first opening and found as it was at the second."""
    path = tmp_path / "deep" / "data" / "tidings.db"
    with open_store(path) as store:
        configure(store, blog("a"))
        receive(store, blog("a"), post(1))
        name = store.rows("SELECT feed_id FROM site")[0]["feed_id"]
    with open_store(path) as store:
        assert titles(store) == ["Post 1"]
        assert store.rows("SELECT feed_id FROM site")[0]["feed_id"] == name


STEPS = [
    *("tables", "full_text_search", "polling", "rules", "items", "memory", "stories", "pruning", "updates"),
    *("batches", "sketches", "pages_of_posts", "exclusions_by_rules", "fronts_of_stories", "settled_news"),
    *("own_feed", "lasting_entry_ids", "noise_of_posts", "scheduling", "releases_of_issues", "secret_of_the_site"),
    *("ledger", "suppressing", "sender_of_mail", "subscribers", "links_of_readers", "signups", "choices_of_readers"),
    *("forgetting", "choices_of_editions_only", "moves_of_readers", "emptying_of_own_issues"),
    *("revisions_of_posts", "places_in_feeds", "floods_by_kind", "notes_that_come_back"),
    "showing_of_feeds",
]


def test_every_migration_is_recorded_once(tmp_path: Path) -> None:
    """Each migration leaves one record, however often the database is opened."""
    path = tmp_path / "tidings.db"
    for _ in range(3):
        with open_store(path) as store:
            rows = store.rows("SELECT name FROM _sqlite_migrations WHERE migration_set = 'tidings' ORDER BY id")
            assert [row["name"] for row in rows] == STEPS


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the last migration cannot be done, neither are those before it: the next start begins from the beginning."""
    path = tmp_path / "tidings.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE posts_fts (in_the_way)")
    with pytest.raises(StoreError, match="posts_fts"), open_store(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("posts_fts",)]
        connection.execute("DROP TABLE posts_fts")
    with open_store(path) as store:
        configure(store, blog("a"))


def test_many_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    """Started together on no database at all, every process ends up with the same whole one."""
    path = tmp_path / "tidings.db"
    processes = [start(_OPEN, str(path)) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [assert_ended_well(process) for process in processes] == ["1\n"] * 6


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask, and the files beside it, too; one that there is keeps the mode that it was given."""
    path, umask = tmp_path / "tidings.db", os.umask(0)
    try:
        with open_store(path) as store:
            configure(store, blog("a"))
            assert modes(tmp_path) == {"tidings.db": 0o600, "tidings.db-wal": 0o600, "tidings.db-shm": 0o600}
        path.chmod(0o640)
        with open_store(path) as store:
            configure(store, blog("b"))
            assert modes(tmp_path) == {"tidings.db": 0o640, "tidings.db-wal": 0o640, "tidings.db-shm": 0o640}
    finally:
        os.umask(umask)


def modes(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


def test_who_finds_a_database_that_is_just_made_waits_until_it_is(tmp_path: Path) -> None:
    """To close a file takes the locks of all that its process has on it, SQLite's, too: nobody uses it before."""

    def configure_it() -> None:
        with open_store(path) as store:
            configure(store, blog("a"))

    path = tmp_path / "tidings.db"
    with ThreadPoolExecutor() as threads:
        with database._making:
            path.touch()
            finding = threads.submit(configure_it)
            with pytest.raises(TimeoutError):
                finding.result(timeout=0.5)
            assert path.stat().st_size == 0
        finding.result(timeout=60)
    assert path.stat().st_size > 0


def test_a_file_that_is_no_database_is_named_with_advice(tmp_path: Path) -> None:
    """Some other file in the database's place is an error that says so, and stays untouched."""
    path = tmp_path / "tidings.db"
    path.write_text("a diary, and a long one at that\n" * 100)
    with pytest.raises(StoreError, match=r"tidings\.db.*some other file.*data_dir"), open_store(path):
        pass
    assert path.read_text().startswith("a diary")


def test_a_damaged_database_is_named_with_advice(tmp_path: Path) -> None:
    """A database with damaged pages is an error that names the file and speaks of a backup, not a traceback."""
    path = damaged(tmp_path)
    with pytest.raises(StoreError, match=r"tidings\.db.*damaged.*backup"), open_store(path) as store:
        titles(store)


@pytest.mark.parametrize("name", ["file/tidings.db", "folder"])
def test_a_place_where_no_database_can_be_is_named_with_advice(tmp_path: Path, name: str) -> None:
    """A file where the folder should be, or a folder where the file should be, is an error that names the setting."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="data_dir"), open_store(tmp_path / name):
        pass


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root may write to")
def test_a_folder_that_may_not_be_written_is_named_with_advice() -> None:
    """Without the right to write, opening is an error that names the setting."""
    with pytest.raises(StoreError, match="data_dir"), open_store(Path("/proc/self/tidings.db")):
        pass


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """A migration this version knows nothing of means that a newer one has been here, and it is named."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store, store.write():
        store.conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('tidings', 'moods', 'then')"
        )
    with pytest.raises(StoreError, match=r"newer Tidings \(moods\).*update"), open_store(path):
        pass


def test_migrations_of_others_in_the_same_file_do_not_matter(tmp_path: Path) -> None:
    """A record of another program's migrations is none of ours."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store, store.write():
        store.conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('other', 'moods', 'then')"
        )
    with open_store(path) as store:
        assert titles(store) == []


def test_a_wrong_statement_is_a_bug_and_not_the_operators_error(tmp_path: Path) -> None:
    """Breaking a constraint shows as what it is; only what an operator can act on becomes a StoreError."""
    with pytest.raises(sqlite3.IntegrityError), open_store(tmp_path / "tidings.db") as store, store.write():
        store.conn.execute("INSERT INTO site (id, feed_id, created_at) VALUES (1, '', '')")


@pytest.mark.parametrize("begin", [Store.write, Store.note])
def test_who_waited_in_vain_is_told_what_to_do(
    store: Store, begin: Callable[[Store], AbstractContextManager[None]]
) -> None:
    """A database that another process never lets go of is an error for the operator, at the very statement: what runs
    many tasks on one opening reports it and goes on with the next."""
    with open_store(store.path) as other:
        other.conn.execute("PRAGMA busy_timeout = 20")
        with store.write():
            with pytest.raises(StoreError, match=r"tidings\.db.*locked.*another process"), begin(other):
                pass
            assert titles(other) == []
        with begin(other):
            configure(other, blog("a"))
    assert scalar(store, "SELECT name FROM feeds") == "a"


@pytest.mark.parametrize("ask", [Store.rows, Store.row])
def test_a_query_on_a_damaged_database_says_so(tmp_path: Path, ask: Callable[[Store, str], object]) -> None:
    """Whoever catches it at the query gets the words for the operator, too."""
    path = damaged(tmp_path, b"words words")
    with open_store(path) as store, pytest.raises(StoreError, match=r"tidings\.db.*damaged.*backup"):
        ask(store, "SELECT * FROM posts ORDER BY title")


def damaged(folder: Path, text: bytes = b"") -> Path:
    """A database of fifty posts whose pages are overwritten, but for the first, and for those without `text`."""
    path = folder / "tidings.db"
    with open_store(path) as store:
        configure(store, blog("a"))
        receive(store, blog("a"), *(post(n, text="words " * 200) for n in range(50)))
    whole = path.read_bytes()
    pages = [whole[start : start + 4096] for start in range(0, len(whole), 4096)]
    path.write_bytes(b"".join(b"\xff" * 4096 if number and text in page else page for number, page in enumerate(pages)))
    return path


# ------------------------------------------------------------------------------------------------------- writing


def test_an_exception_leaves_nothing_of_its_transaction(store: Store) -> None:
    """What a failing block has written is gone, and the next transaction works."""

    def fail() -> None:
        with store.write():
            configure(store, blog("a"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert scalar(store, "SELECT count(*) FROM feeds") == 0
    configure(store, blog("b"))
    assert scalar(store, "SELECT name FROM feeds") == "b"


def test_an_inner_transaction_is_part_of_the_outer_one(store: Store) -> None:
    """A transaction inside another is not committed by itself: the outer one takes it along when it fails."""

    def fail() -> None:
        with store.write():
            with store.write():
                configure(store, blog("a"))
            assert scalar(store, "SELECT count(*) FROM feeds") == 0
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert scalar(store, "SELECT count(*) FROM feeds") == 0


def test_a_commit_that_fails_leaves_no_transaction_open(store: Store) -> None:
    """When COMMIT itself fails, the transaction is rolled back: a later one must not join what is left of it."""
    with store.write():
        store.conn.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
        store.conn.execute("CREATE TABLE two (id INTEGER REFERENCES one(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), store.write():
        store.conn.execute("INSERT INTO two VALUES (7)")
    with store.write():
        store.conn.execute("INSERT INTO one VALUES (1)")
    assert scalar(store, "SELECT count(*) FROM one") == 1
    assert scalar(store, "SELECT count(*) FROM two") == 0


def test_a_reader_goes_on_while_another_writes(store: Store) -> None:
    """In the middle of a write, another connection reads what was there before, without waiting."""
    configure(store, blog("a"))
    receive(store, blog("a"), post(1))
    with open_store(store.path) as reader, store.write():
        receive(store, blog("a"), post(2))
        assert titles(reader) == ["Post 1"]
        assert titles(store) == ["Post 1", "Post 2"]
    assert titles(store) == ["Post 1", "Post 2"]


def test_a_writer_waits_for_its_turn(store: Store) -> None:
    """A second writer waits until the first has committed, and then succeeds."""
    configure(store, blog("a"))
    begun, finished = threading.Event(), threading.Event()

    def write() -> None:
        with open_store(store.path) as other:
            begun.set()
            receive(other, blog("a"), post(2))
            finished.set()

    with ThreadPoolExecutor(1) as pool:
        with store.write():
            receive(store, blog("a"), post(1))
            future = pool.submit(write)
            assert begun.wait(20)
            assert not finished.wait(0.2)
        future.result(20)
    assert titles(store) == ["Post 1", "Post 2"]


def test_a_transaction_that_reads_before_it_writes_misses_nothing(store: Store) -> None:
    """What a transaction has read is still so when it writes: nobody writes between, and nobody fails for waiting."""
    together = threading.Barrier(4)

    def count_up() -> None:
        with open_store(store.path) as mine:
            together.wait(20)
            for _ in range(25):
                with mine.write():
                    wanted = mine.rows("SELECT wanted FROM site")[0]["wanted"]
                    mine.conn.execute("UPDATE site SET wanted = ?", (wanted + 1,))

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(count_up) for _ in range(4)]:
            future.result(60)
    assert scalar(store, "SELECT wanted FROM site") == 101


def test_processes_that_write_at_once_all_succeed(store: Store) -> None:
    """Four processes that store posts at the same time lose none of them and leave a sound file and a whole index."""
    names, count = ["a", "b", "c", "d"], 15
    configure(store, *(blog(name) for name in names))
    processes = [start(_WRITE, str(store.path), name, str(count)) for name in names]
    for process in processes:
        assert_ended_well(process)
    expected = sorted(f"Post {name}-{n}-{half}" for name in names for n in range(count) for half in "ab")
    assert titles(store) == expected
    assert scalar(store, "PRAGMA integrity_check") == "ok"
    store.conn.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")
    assert titles(store, words="text", limit=1000) == expected


# ------------------------------------------------------------------------------------------------------- excluding


def test_a_task_is_one_processs_alone_until_it_is_killed(store: Store) -> None:
    """While another process holds a task, it can't be had; SIGKILL hands it on at once."""
    holder = start(_HOLD, str(store.path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    had = threading.Event()

    def take() -> None:
        with exclusive(store, "deliver"):
            had.set()

    waiting = threading.Thread(target=take)
    waiting.start()
    try:
        assert not had.wait(0.3)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate(timeout=20)
    assert had.wait(20)
    waiting.join()


def test_waiting_for_a_task_ends_when_told_to(store: Store) -> None:
    """A process that waits for another's task can be stopped: SIGTERM must not wait for somebody else's work."""
    holder = start(_HOLD, str(store.path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(StoreError, match="stopped while waiting"), exclusive(store, "deliver", lambda: True):
            pass
    finally:
        holder.kill()
        holder.communicate(timeout=20)


def test_different_tasks_do_not_wait_for_each_other(store: Store) -> None:
    """Who delivers does not keep anybody from polling, but from delivering at the same time."""
    with exclusive(store, "deliver"):
        with exclusive(store, "poll", lambda: True):
            pass
        with pytest.raises(StoreError, match="deliver"), exclusive(store, "deliver", lambda: True):
            pass


def test_a_task_is_handed_on_after_an_exception(store: Store) -> None:
    """A failing task gives its right back."""
    with pytest.raises(ValueError, match="no"), exclusive(store, "poll"):
        raise ValueError("no")
    with exclusive(store, "poll"):
        pass


def test_a_lock_file_that_cannot_be_made_is_named(store: Store) -> None:
    """When the lock file can't be opened, the error names it."""
    (store.path.parent / "poll.lock").mkdir()
    with pytest.raises(StoreError, match=r"poll\.lock.*data_dir"), exclusive(store, "poll"):
        pass


# ------------------------------------------------------------------------------------------------------- times

seconds = st.integers(-(60 * 365 * 86400), 200 * 365 * 86400)
moments = st.builds(
    lambda whole, part: EPOCH + timedelta(seconds=whole, microseconds=part), seconds, st.integers(0, 999_999)
)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(one=moments, other=moments, zone=zones)
def test_the_order_of_times_as_text_is_their_order(one: datetime, other: datetime, zone: timezone) -> None:
    """Times come back as they were, and compare as text as they do as times, in whatever zone they were given."""
    texts = time_to_text(one.astimezone(zone)), time_to_text(other)
    assert text_to_time(texts[0]) == one
    assert (texts[0] or "") < (texts[1] or "") if one < other else (texts[0] or "") >= (texts[1] or "")


def test_each_database_has_a_secret_of_its_own(tmp_path: Path) -> None:
    """Codes in addresses are made with it: it stays the same, and no two databases share it."""
    secrets = []
    for name in ("one.db", "two.db", "one.db"):
        with open_store(tmp_path / name) as store:
            secrets.append(site.secret(store))
    assert secrets[0] == secrets[2]
    assert secrets[0] != secrets[1]
    assert [len(secret) for secret in secrets] == [32, 32, 32]
