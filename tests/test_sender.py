"""Who may send: a database in its place, and none that was restored or copied, however that was done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import edition
from tests.sites import environment
from tests.test_deliver import freeze
from tests.transports import Clock, RecordingTransport
from tidings import deliver
from tidings.errors import MovedError, StoreError
from tidings.store import open_store, sender
from tidings.store.place import Place, here
from tidings.store.sender import Marker, Sender, differences

START = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
HERE = Place("machine", "inode 5", "1", "mail1")
ROOT = Path(__file__).resolve().parents[1]


def known(sends: int = 7, instance: str = "a", place: Place = HERE) -> Sender:
    return Sender(instance, sends, place, START)


def beside(sends: int = 7, instance: str = "a") -> Marker:
    return Marker("database", instance, sends, START)


# ------------------------------------------------------------------------------------------------------ the rules

QUIET: dict[str, tuple[Sender | None, Marker | None, Place]] = {
    "where it was": (known(), beside(), HERE),
    "it never sent": (None, None, HERE),
    "a death while it took its first place": (None, beside(0), HERE),
    "a death after the database was counted up": (known(8), beside(7), HERE),
    "another host name": (known(), beside(), replace(HERE, host="mail2")),
    "a container, where no machine is known": (known(), beside(), replace(HERE, machine="")),
    "out of a container": (known(place=replace(HERE, machine="")), beside(), HERE),
    "a file system that tells no generation any more": (known(), beside(), replace(HERE, generation="")),
}
TOLD: dict[str, tuple[Sender | None, Marker | None, Place, str]] = {
    "an older state": (known(6), beside(7), HERE, "until 2026-11-27 08:00 UTC"),
    "a state before it ever sent": (None, beside(2), HERE, "until 2026-11-27 08:00 UTC"),
    "the file is gone": (known(), None, HERE, "missing"),
    "the file of another copy": (known(), beside(instance="b"), HERE, "another copy"),
    "another machine": (known(), beside(), replace(HERE, machine="other"), "last sent from (mail1)"),
    "another file": (known(), beside(), replace(HERE, file="inode 6"), "but a copy"),
    "another file with the number of the former": (known(), beside(), replace(HERE, generation="2"), "but a copy"),
    "another folder": (
        known(place=replace(HERE, file="path /a")), beside(), replace(HERE, file="path /b"), "but a copy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", QUIET.values(), ids=list(QUIET))
def test_what_is_no_reason(case: tuple[Sender | None, Marker | None, Place]) -> None:
    """What happens to a database that stays where it is stops no mail."""
    assert differences(*case) == ()


@pytest.mark.parametrize("case", TOLD.values(), ids=list(TOLD))
def test_what_is_a_reason(case: tuple[Sender | None, Marker | None, Place, str]) -> None:
    """Each sign of a restored or copied database is told, in words of its own."""
    (found,) = differences(*case[:3])
    assert case[3] in found


def test_all_reasons_are_told() -> None:
    """A copy on another machine that is behind says all that is known of it."""
    assert len(differences(known(6), beside(7, "b"), Place("other", "inode 6", "", "x"))) == 4


# ------------------------------------------------------------------------------------------------------ the place

ID = "0123456789abcdef0123456789abcdef"


def system(folder: Path, *, machine_id: str | None = ID, mounts: str = "/ ext4", marks: tuple[str, ...] = ()) -> Path:
    """The root of a system with these files; `mounts` are mount points with their types, a line each."""
    files = dict.fromkeys(marks, "") | ({} if machine_id is None else {"etc/machine-id": f"{machine_id}\n"})
    lines = [line.rpartition(" ") for line in mounts.splitlines()]
    files["proc/self/mountinfo"] = "".join(
        f"22 1 8:1 / {point} rw,relatime shared:1 - {kind} /dev/sda1 rw\n" for point, _, kind in lines
    )
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "my data" / "tidings.db"
    path.parent.mkdir()
    path.touch()
    return path


def test_a_machine_is_told_by_its_id_and_not_given_away(tmp_path: Path, database: Path) -> None:
    """Two ids are two machines, one id is one, whatever is mounted elsewhere; the id itself is not kept."""
    one = here(database, system(tmp_path / "one"))
    other = here(database, system(tmp_path / "other", machine_id=ID[::-1]))
    again = here(database, system(tmp_path / "again", mounts="/ ext4\n/var/lib/docker/overlay2/x overlay"))
    assert (one.has_same_machine(other), one.has_same_machine(again)) == (False, True)
    assert one.machine
    assert ID not in one.machine


@pytest.mark.parametrize(
    "values",
    [
        {"machine_id": None},
        {"machine_id": ""},
        {"machine_id": "uninitialized"},
        {"marks": (".dockerenv",)},
        {"marks": ("run/.containerenv",)},
        {"marks": ("run/secrets/kubernetes.io/serviceaccount/token",)},
        {"mounts": "/ overlay"},
        {"mounts": "/ ext4\n/etc/machine-id tmpfs"},
    ],
    ids=["none", "empty", "an image", "Docker", "Podman", "Kubernetes", "another", "a root that cannot be written"],
)
def test_no_machine_is_told_in_a_container_or_without_an_id(tmp_path: Path, database: Path, values: dict) -> None:  # type: ignore[type-arg]
    """There the id is the image's, or new with each container, or each boot: the file alone counts."""
    assert here(database, system(tmp_path / "root", **values)).machine == ""


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("/ ext4", "inode"),
        ("/ overlay\n{folder} xfs", "inode"),
        ("/ ext4\n{folder} vfat", "path"),
        ("/ ext4\n{folder} fuse.sshfs", "path"),
        ("/ ext4\n{folder} fuse.sshfs\n{folder} nfs4", "inode"),
        ("/ fuse\n{folder}x ext4", "path"),
        ("", "path"),
    ],
)
def test_a_file_is_told_by_its_number_where_that_lasts(tmp_path: Path, database: Path, mounts: str, kind: str) -> None:
    """The innermost mount decides, the last one of two, also with a blank in its name; elsewhere the path counts."""
    listed = mounts.format(folder=str(database.parent).replace(" ", "\\040"))
    place = here(database, system(tmp_path / "root", mounts=listed))
    assert place.file == (f"inode {database.stat().st_ino}" if kind == "inode" else f"path {database}")


def test_asking_for_the_place_takes_no_lock_away(tmp_path: Path) -> None:
    """Another command that ends while mail goes out leaves the write-ahead log alone, and what is written after it is
    there. It would not, if the file were opened beside SQLite and closed again: that drops the locks of SQLite."""
    path = tmp_path / "tidings.db"
    another = "import sys, pathlib, tidings.store as s\nwith s.open_store(pathlib.Path(sys.argv[1])): pass"
    with open_store(path) as store:
        sender.require(store)
        sender.count(store, START)
        subprocess.run([sys.executable, "-c", another, str(path)], check=True, env=environment())
        assert path.with_name("tidings.db-wal").exists()
        sender.count(store, START)
        sender.require(store)
    with open_store(path) as store:
        assert [row["sends"] for row in store.rows("SELECT sends FROM sender")] == [2]
        assert store.rows("PRAGMA integrity_check")[0][0] == "ok"


def test_a_file_that_is_gone_has_no_place(tmp_path: Path) -> None:
    """It is said, and is no crash."""
    with pytest.raises(StoreError, match="cannot be found"):
        here(tmp_path / "tidings.db")


# --------------------------------------------------------------------------------------- how people move things


def send(folder: Path, number: int) -> int:
    """Freezes an issue for one reader, and hands over what is due; returns how many mails that were."""
    transport = RecordingTransport()
    with open_store(folder / "tidings.db") as store:
        sender.require(store)
        one = freeze(store, "ann@a.example", number=number)
        deliver.deliver(store, one, transport.office(), Clock(START).pace())
    return len(transport.letters)


def found(folder: Path) -> tuple[str, ...]:
    with open_store(folder / "tidings.db") as store:
        return sender.standing(store).differs


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def over(source: Path, target: Path) -> Path:
    """`cp -a source/. target/`: what is there keeps its place on the disk, and what is more stays."""
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)
    return target


def unpacked(source: Path, target: Path) -> Path:
    """tar makes each file anew."""
    archive = target.parent / "backup.tar"
    subprocess.run(["tar", "-cf", archive, "-C", source, "."], check=True)
    subprocess.run(["tar", "-xf", archive, "-C", target], check=True)
    return target


def moved_in(source: Path, target: Path) -> Path:
    (source / "tidings.db").replace(target / "tidings.db")
    return target


def anew(source: Path, target: Path) -> Path:
    shutil.rmtree(target)
    return copied(source, target)


def renamed(_: Path, target: Path) -> Path:
    return target.rename(target.parent / "elsewhere")


def database_alone(source: Path, target: Path) -> Path:
    (target.parent / "new").mkdir()
    shutil.copy(source / "tidings.db", target.parent / "new")
    return target.parent / "new"


def sql(script: str) -> Callable[[Path, Path], Path]:
    def run(_: Path, target: Path) -> Path:
        with open_store(target / "tidings.db") as store:
            store.conn.execute(script.format(folder=target))
        return target

    return run


def rebuilt(_: Path, target: Path) -> Path:
    """What .recover and VACUUM INTO make is another file."""
    sql("VACUUM INTO '{folder}/new.db'")(_, target)
    (target / "new.db").replace(target / "tidings.db")
    return target


def begun_anew(_: Path, target: Path) -> Path:
    for path in target.glob("tidings.db*"):
        path.unlink()
    return target


def lost_file(_: Path, target: Path) -> Path:
    for path in target.glob("sender-*.json"):
        path.unlink()
    return target


# What is done to a folder that has sent twice, with a backup of it from before the second time.
MOVES: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "nothing": (lambda _, target: target, ""),
    "moved within a file system": (renamed, ""),
    "VACUUM": (sql("VACUUM"), ""),
    "a new database in its place": (begun_anew, ""),
    "the folder copied": (lambda _, target: copied(target, target.parent / "copy"), "but a copy"),
    "the folder from a backup, elsewhere": (lambda source, target: copied(source, target.parent / "c"), "but a copy"),
    "the database alone, elsewhere": (database_alone, "missing"),
    "the database over the former one": (
        lambda source, target: Path(shutil.copy(source / "tidings.db", target / "tidings.db")).parent, "until 2026",
    ),
    "the folder over the former one": (over, "until 2026"),
    "the folder unpacked over the former one": (unpacked, "but a copy"),
    "the database moved into its place": (moved_in, "until 2026"),
    "the folder removed and restored": (anew, "but a copy"),
    "a rebuilt database": (rebuilt, "but a copy"),
    "the file deleted": (lost_file, "missing"),
}  # fmt: skip


@pytest.mark.parametrize(("move", "told"), MOVES.values(), ids=list(MOVES))
def test_ways_of_moving_things(tmp_path: Path, move: Callable[[Path, Path], Path], told: str) -> None:
    """Whatever makes a second sender, or one that has forgotten something, is refused before anything is frozen, leased
    or sent, until it is adopted; what only moves a database, or makes a new one, is not."""
    home = tmp_path / "home"
    assert send(home, 1) == 1
    backup = copied(home, tmp_path / "backup")
    assert send(home, 2) == 1
    folder = move(backup, home)
    if not told:
        assert send(folder, 3) == 1
        return
    assert any(told in one for one in found(folder)), found(folder)
    before = ledger(folder), count_beside(folder)
    with pytest.raises(MovedError, match="`tidings adopt`"):
        send(folder, 3)
    assert (ledger(folder), count_beside(folder)) == before
    with open_store(folder / "tidings.db") as store:
        sender.adopt(store)
    assert count_beside(folder) > before[1]
    assert send(folder, 4) == 1
    assert found(folder) == ()


def ledger(folder: Path) -> list[tuple[object, ...]]:
    with open_store(folder / "tidings.db") as store:
        return [tuple(row) for row in store.rows("SELECT id, state FROM deliveries")]


def count_beside(folder: Path) -> int:
    return max((int(path.stem.partition("-")[2]) for path in folder.glob("sender-*.json")), default=0)


def test_a_delivery_asks_before_it_recovers_or_leases(tmp_path: Path) -> None:
    """A copy that was made in the middle of a delivery keeps its ledger as it was."""
    send(tmp_path / "home", 1)
    folder = copied(tmp_path / "home", tmp_path / "copy")
    transport = RecordingTransport()
    with open_store(folder / "tidings.db") as store:
        one = freeze(store, "ann@a.example", "bob@a.example", number=2)
        store.conn.execute("UPDATE deliveries SET state = 'inflight' WHERE issue_id = 2")
        with pytest.raises(MovedError):
            deliver.deliver(store, one, transport.office(), Clock(START).pace())
        with pytest.raises(MovedError):
            deliver.deliver_due(store, one, transport.office(), Clock(START).pace())
        assert [row["state"] for row in store.rows("SELECT state FROM deliveries")][1:] == ["inflight"] * 2
    assert transport.letters == []


def test_a_backup_from_the_middle_of_a_delivery_is_told(tmp_path: Path) -> None:
    """The count goes up before the first mail and after the last, so what was copied in between is behind."""
    backup = tmp_path / "backup.db"
    transport = RecordingTransport()
    with open_store(tmp_path / "home" / "tidings.db") as store:
        one = freeze(store, "ann@a.example", "bob@a.example")

        def copy() -> bool:
            if len(transport.letters) == 1 and not backup.exists():
                store.conn.execute(f"VACUUM INTO '{backup}'")
            return False

        deliver.deliver(store, one, transport.office(), Clock(START).pace(stop=copy))
    shutil.copy(backup, tmp_path / "home" / "tidings.db")
    assert any("it knows nothing of" in one for one in found(tmp_path / "home"))


def test_a_pass_without_mail_counts_nothing(tmp_path: Path) -> None:
    """The daemon asks every ten seconds: that neither takes a place nor writes a file."""
    with open_store(tmp_path / "tidings.db") as store:
        deliver.deliver(store, edition(), RecordingTransport().office(), Clock(START).pace())
        one = freeze(store, "ann@a.example")
        later = (START + timedelta(minutes=5)).isoformat(timespec="microseconds")
        store.conn.execute("UPDATE deliveries SET state = 'deferred', next_at = ?", (later,))
        deliver.deliver_due(store, one, RecordingTransport().office(), Clock(START).pace())
        assert store.row("SELECT 1 FROM sender") is None
    assert list(tmp_path.glob("sender-*")) == []


def test_a_folder_of_mails_is_not_guarded(tmp_path: Path) -> None:
    """An office that reaches nobody is neither stopped nor counted."""
    send(tmp_path / "home", 1)
    folder = copied(tmp_path / "home", tmp_path / "copy")
    transport = RecordingTransport()
    with open_store(folder / "tidings.db") as store:
        one = freeze(store, "ann@a.example", number=2)
        deliver.deliver(store, one, replace(transport.office(), guarded=False), Clock(START).pace())
        assert store.rows("SELECT sends FROM sender")[0]["sends"] == 2
    assert len(transport.letters) == 1


# --------------------------------------------------------------------------------------------- what goes wrong


def test_a_death_while_adopting_leaves_it_to_be_done(tmp_path: Path) -> None:
    """The file is written and the database is not: still nothing is sent, and adopting again is enough."""
    send(tmp_path / "home", 1)
    folder = copied(tmp_path / "home", tmp_path / "copy")
    shutil.copy(folder / "tidings.db", tmp_path / "before.db")
    for _ in range(2):
        with open_store(folder / "tidings.db") as store:
            sender.adopt(store)
        shutil.copy(tmp_path / "before.db", folder / "tidings.db")
        assert found(folder) != ()
    with open_store(folder / "tidings.db") as store:
        sender.adopt(store)
    assert found(folder) == ()


def test_what_cannot_be_counted_is_not_sent_and_not_lost(tmp_path: Path) -> None:
    """With no room for the file nothing leaves, the message says why, and later all goes out."""
    transport = RecordingTransport()
    with open_store(tmp_path / "tidings.db") as store:
        sender.count(store, START)
        (tmp_path / "sender.partial").mkdir()
        one = freeze(store, "ann@a.example", "bob@a.example")
        with pytest.raises(StoreError, match=r"sender-2\.json: cannot be written .* nothing is lost"):
            deliver.deliver(store, one, transport.office(), Clock(START).pace())
        assert transport.letters == []
        (tmp_path / "sender.partial").rmdir()
        deliver.deliver(store, one, transport.office(), Clock(START).pace())
    assert len(transport.letters) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sends": 3}', '{"database": 1, "instance": 2, "sends": "x"}'])
def test_a_damaged_file_is_no_file(tmp_path: Path, text: str) -> None:
    """It says nothing, so the database waits to be adopted."""
    send(tmp_path, 1)
    (file,) = tmp_path.glob("sender-*.json")
    file.write_text(text, encoding="utf-8")
    assert found(tmp_path) == ("the file beside it that counts what was sent (sender-*.json) is missing",)


def test_one_file_is_left(tmp_path: Path) -> None:
    """Each count takes the former file away, and says what the file is for."""
    for number in (1, 2, 3):
        send(tmp_path, number)
    (file,) = tmp_path.glob("sender-*")
    assert (file.name, file.stat().st_mode & 0o777) == ("sender-6.json", 0o600)
    assert "Leave it beside tidings.db" in file.read_text(encoding="utf-8")


_COUNT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tidings.store import open_store, sender
with open_store(Path(sys.argv[1])) as store:
    print("ready", flush=True)
    while True:
        sender.require(store)
        sender.count(store, datetime.now(UTC))
"""


def counting(database: Path) -> subprocess.Popen[str]:
    """A process that sends, again and again, but for the mails."""
    process = subprocess.Popen(
        [sys.executable, "-c", _COUNT, str(database)], stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_death_at_any_moment_stops_no_mail(tmp_path: Path) -> None:
    """Killed between the database and the file, or before the first of either, it may go on sending."""
    for moment in range(8):
        shutil.rmtree(tmp_path / str(moment % 2), ignore_errors=True)
        folder = tmp_path / str(moment % 2)
        process = counting(folder / "tidings.db")
        time.sleep(0.0015 * moment)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert found(folder) == (), f"moment {moment}"


def test_who_asks_while_another_counts_is_not_misled(tmp_path: Path) -> None:
    """The file and the database are written one after the other; no moment in between looks like a restored one."""
    with open_store(tmp_path / "tidings.db") as store:
        sender.count(store, START)
        process = counting(store.path)
        before = store.rows("SELECT sends FROM sender")[0]["sends"]
        try:
            for _ in range(500):
                assert sender.standing(store).differs == ()
            assert process.poll() is None
            assert store.rows("SELECT sends FROM sender")[0]["sends"] > before
        finally:
            process.kill()
            process.communicate()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["send", "back up", "restore"]), max_size=8))
def test_a_database_may_send_unless_it_has_forgotten_something(tmp_path: Path, steps: list[str]) -> None:
    """Whatever is sent, backed up and restored over the same file in whatever order: refused is exactly what does not
    know of the last sending."""
    folder = tmp_path / "site"
    shutil.rmtree(folder, ignore_errors=True)
    last, is_known, backup = 0, True, (0, False)
    for n, step in enumerate(steps):
        with open_store(folder / "tidings.db") as store:
            if step == "send" and is_known:
                sender.count(store, START + timedelta(minutes=n))
                last += 1
            if step == "back up":
                store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if step == "back up":
            shutil.copy(folder / "tidings.db", folder / "backup")
            backup = (last, is_known)
        if step == "restore" and (folder / "backup").exists():
            shutil.copy(folder / "backup", folder / "tidings.db")
            is_known = backup == (last, True)
        assert (found(folder) == ()) == is_known
