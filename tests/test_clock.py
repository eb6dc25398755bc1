"""Clocks of whole seconds: no change within a second is missed once that second is over."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import KEYS, LONG, Home, seed
from driver import KINDS, Shell, needs, notice

from falenv import index, store
from falenv.index import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver import Trace


HOOKED = ("bash", "zsh", "fish", "ksh")
#: Beyond the end of the second: a tick of the clock, and some more.
MARGIN = 0.03


@pytest.fixture
def whole_seconds(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that records whole seconds; return its folder."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a file system")
    image, folder = tmp_path / "image", tmp_path / "ext2"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    make = [needs("mkfs.ext2"), "-q", "-I", "128", str(image)]
    subprocess.run(make, check=True, capture_output=True)
    mount = ["mount", "-o", "loop", str(image), str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no loop devices here")
    (folder / "probe").touch()
    assert (folder / "probe").stat().st_mtime_ns % SECOND_NS == 0
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Seconds:
    """Homes whose stores two writers change within one second, each with a shell."""

    def __init__(
        self, folder: Path, start: Callable[[Home], Shell], count: int, *, freeze: bool
    ) -> None:
        #: Give the store the mtime that it had before the last write in the second.
        self.freeze = freeze
        #: How many writes there were, and how many came within the second of the one before.
        self.writes = self.close_calls = 0
        self.chance = random.Random(seed(14))
        self.homes = []
        for number in range(count):
            path = folder / f"it's $(here) {number}"
            path.mkdir()
            self.homes.append(Home(path))
            self.homes[-1].profiles("a", "b", default="a")
        self.shells = [start(home) for home in self.homes]

    def wait_for_start(self) -> None:
        # A file's time is that of the last tick: without the margin it is in the second before.
        time.sleep(1 - time.time() % 1 + MARGIN)

    def wait_for_end(self) -> None:
        time.sleep(1 - time.time() % 1 + MARGIN)

    def write(self, home: Home, name: str) -> None:
        """Choose the default as the official CLI does: in place, and here in the same size."""
        home.profiles("a", "b", default=name)

    def round(self, share: float) -> None:
        """Let both write within one second, and look when it is over.

        falenv writes first, or the other program does, and a shell follows at once. The other
        program writes again by the time when `share` of the second is over.
        """
        self.wait_for_start()
        start = time.time()
        ends = [self.chance.uniform(0, share) for _ in self.homes]
        for end, home, shell in sorted(zip(ends, self.homes, self.shells, strict=True), key=_first):
            name, other = self.chance.sample("ab", 2)
            if self.chance.random() < 0.5:
                assert home.here("profile", "set", name)[::2] == (0, "")
            else:
                self.write(home, name)
            if not LONG or self.chance.random() < 0.5:
                assert shell.prompts() == ""
            time.sleep(max(0.0, start + end - time.time()))
            self.writes += 1
            before_ns = home.store.stat().st_mtime_ns
            self.write(home, other)
            if before_ns // SECOND_NS == home.store.stat().st_mtime_ns // SECOND_NS:
                self.close_calls += 1
                if self.freeze:
                    os.utime(home.store, ns=(before_ns, before_ns))
        self.wait_for_end()
        self.check()

    def break_one(self) -> None:
        """Break a store, and look again and again: the shell says so once."""
        home, shell = self.homes[0], self.shells[0]
        text = home.store.read_text()
        self.wait_for_start()
        home.write(text.replace("[a]", "[a "))
        said = notice(shell.prompts(3), "is not valid TOML")
        assert (said[:9], shell.prompts(2)) == ("falenv: /", "")
        self.wait_for_end()
        assert shell.prompts(2) == ""
        assert shell.get("FALENV_PROFILE") in {"a", "b"}
        home.write(text)
        self.check()
        self.wait_for_end()
        self.check()

    def check(self) -> None:
        for home, shell in zip(self.homes, self.shells, strict=True):
            assert shell.prompts() == ""
            name = home.store.read_text().partition('"')[2][0]
            assert shell.segment == f"(fal:{name}) "
        shell = self.chance.choice(self.shells)
        assert KEYS[shell.segment[5]] == shell.get("FAL_KEY")


def _first(row: tuple[float, Home, Shell]) -> float:
    return row[0]


def watch(
    homes: Callable[[Callable[[Home], Shell], int], Seconds],
    kind: str,
    trace: Trace,
    figure: Callable[[str], None],
    rc: str = "",
) -> None:
    """Run rounds, and see that prompts start no process after them."""
    shells: list[Shell] = []

    def start(home: Home) -> Shell:
        prefix = () if shells else trace.prefix
        shells.append(home.shell(kind, rc or KINDS[kind].eval_line(), prefix=prefix))
        return shells[-1]

    count, rounds = (10, 100) if LONG else (1, 1)
    try:
        seconds = homes(start, count)
        for number in range(max(rounds, 10)):
            # On a busy machine the writes of a round may be too far apart.
            if number < rounds or not seconds.close_calls:
                seconds.round(0.9 if LONG else 0.4)
        assert seconds.close_calls
        seconds.break_one()
        seconds.shells[0].prompts()
        trace.begin()
        assert seconds.shells[0].prompts(3) == ""
        assert trace.processes() == []
    finally:
        for shell in shells:
            shell.close()
    figure(
        f"{kind}: {seconds.writes} writes, {seconds.close_calls} of them within the second of the"
        " write before, none missed"
    )


@pytest.mark.fire
@pytest.mark.parametrize("kind", HOOKED)
def test_case_98_a_file_system_that_records_whole_seconds(
    whole_seconds: Path, kind: str, trace: Trace, figure: Callable[[str], None]
) -> None:
    needs(kind)
    watch(
        lambda start, count: Seconds(whole_seconds, start, count, freeze=False),
        kind,
        trace,
        lambda text: figure(f"ext2, {text}"),
    )


@pytest.mark.fire
def test_case_98_a_shell_that_compares_whole_seconds(
    tmp_path: Path, trace: Trace, figure: Callable[[str], None]
) -> None:
    """Two versions of the store have one mtime, as any two of a second have for bash before 5."""
    code = "fal profile env | sed 's/((BASH_VERSINFO.*4)) ||//'"
    lines = Home(tmp_path).run("bash", "-c", code).stdout.splitlines()
    assert "__falenv_seconds=yes" in map(str.strip, lines)
    watch(
        lambda start, count: Seconds(tmp_path, start, count, freeze=True),
        "bash",
        trace,
        lambda text: figure(f"whole seconds, {text}"),
        f'eval "$({code})"',
    )


@pytest.mark.parametrize(("unit", "offset"), [(1, 0), (1, 1), (2, 0)])
def test_case_98_the_index_counts_once_the_unit_of_the_clock_is_over(
    home: Home, unit: int, offset: int
) -> None:
    """FAT records even seconds. Here the system calls round as FAT or ext2 does."""
    home.profiles("a", default="a")
    start_ns = (1_800_000_000 + offset) * SECOND_NS
    os.utime(home.store, ns=(start_ns, start_ns))
    set_times = os.utime

    def utime(path: str, *, ns: tuple[int, int]) -> None:
        unit_ns = unit * SECOND_NS
        set_times(path, ns=(ns[0] - ns[0] % unit_ns, ns[1] - ns[1] % unit_ns))

    found = []
    with mock.patch.dict(os.environ, home.variables, clear=True), mock.patch("os.utime", utime):
        for tenths in range(0, 25, 4):
            now_ns = start_ns + tenths * SECOND_NS // 10
            with mock.patch("time.time_ns", return_value=now_ns):
                path = Path(index.update(store.read(str(home.store)), for_seconds=True))
            counts = path.stat().st_mtime_ns == start_ns
            assert (path.parent / ".seconds" / path.name).exists() == counts
            found.append((tenths, counts))
    assert found == [(tenths, tenths > unit * 10) for tenths, _ in found]
    assert {entry.name for entry in home.store.parent.iterdir()} == {"config.toml"}
