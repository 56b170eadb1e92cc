"""Under the name there is the old file or the new one, never a part of one: the disk is full, the program is killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.saving import load, save
from tinygrad_edu.saving.atomic import write_atomically

resource = pytest.importorskip("resource", reason="limits of a process, which POSIX has")
SUFFIXES = [".npz", ".safetensors", ".pt"]
OLD = {"w": np.zeros(1000)}


def child(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    return done


# The process may write no file of more than so many bytes: what the operating system does then is what it does when
# a disk is full, an error in the middle of a write; or it kills, if the signal is not caught.
LIMITED = """
import resource, signal, sys
import numpy as np
from tinygrad_edu.saving import save
path, limit, action = sys.argv[1], int(sys.argv[2]), sys.argv[3]
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if action == "kill" else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    save(path, {"w": np.ones(100_000), "v": np.ones(100_000)})
except OSError as error:
    print(type(error).__name__, error.errno)
"""


@pytest.mark.parametrize("limit", [0, 10, 1000, 500_000, 900_000])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_write_that_fails(suffix: str, limit: int, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}", OLD)
    before = path.read_bytes()
    done = child(LIMITED, str(path), str(limit), "fail")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OSError")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # the part has been removed


@pytest.mark.parametrize("limit", [0, 1000, 900_000])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_in_the_middle_of_a_write(suffix: str, limit: int, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}", OLD)
    before = path.read_bytes()
    done = child(LIMITED, str(path), str(limit), "kill")
    assert done.returncode == -signal.SIGXFSZ
    assert path.read_bytes() == before
    (part,) = [file for file in tmp_path.iterdir() if file != path]
    assert part.name.startswith(f".a{suffix}.")
    assert part.name.endswith(".part")
    assert part.stat().st_size <= limit


SAVES = """
import itertools, sys
import numpy as np
from tinygrad_edu.saving import save
for i in itertools.count():
    save(sys.argv[1], {"w": np.full(50_000, float(i)), "v": np.full(50_000, float(i))})
    print(i, flush=True)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_at_any_moment(suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / f"a{suffix}"
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", SAVES, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()  # at least one is there
            time.sleep(rng.uniform(0, 0.05))
            process.kill()
            said = process.stdout.read().split()
        found = load(path)
        (i,) = {*found["w"], *found["v"]}
        assert i >= int((said or ["0"])[-1])  # what was said to be saved is there, or something newer


def test_before_the_rename_the_new_file_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be lost in a power failure is what was not yet on the disk when the name was given."""
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd))[1])

    def checked(source: Path, target: Path) -> None:
        events.append("replace")
        whole = tmp_path / "copy.npz"
        whole.write_bytes(Path(source).read_bytes())
        assert load(whole)["w"].tolist() == [1, 2]
        replace(source, target)

    monkeypatch.setattr(os, "replace", checked)
    save(tmp_path / "a.npz", {"w": [1, 2]})
    assert events == ["fsync", "replace", "fsync"]  # the file, then the name, then the folder


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def fails(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.npz", fails)
    assert list(tmp_path.iterdir()) == []


def test_permissions_and_links(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = save(tmp_path / "there" / "a.npz", OLD)
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    target.chmod(0o640)
    link = tmp_path / "a.npz"
    link.symlink_to(target)
    save(link, {"w": 1.0})
    assert link.is_symlink()
    assert load(target)["w"] == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "missing" / "a.npz", OLD)
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(OSError, match=r"a\.npz"):
        save(tmp_path / "a.npz", OLD)
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]
