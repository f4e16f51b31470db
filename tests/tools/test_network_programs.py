"""Getting `nft` and `ip` where the system lacks them. apt-get and dpkg-deb are stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.machine import programs
from tests.tools.conftest import write_stub
from tools import network_programs
from tools.network_programs import find_or_fetch

if TYPE_CHECKING:
    from pathlib import Path

APT = """
echo "$@" >> FOLDER/asked
for last; do :; done
case "$*" in
*update*) touch FOLDER/updated ;;
*--simulate*) LISTS; echo "Inst libnft (1.0 Debian)"; echo "Inst $last (1.0 Debian)" ;;
*download*) echo "$last" > "$last.deb"; touch libnft.deb ;;
esac
"""
UNPACK = """
case "$2" in
*lib*) mkdir -p "$3/usr/lib/somewhere"; touch "$3/usr/lib/somewhere/libnft.so.1" ;;
*) mkdir -p "$3/usr/sbin"
    printf '#!/bin/sh\\necho "$LD_LIBRARY_PATH $*"; exit STATUS\\n' > "$3/usr/sbin/nft"
    chmod 755 "$3/usr/sbin/nft" ;;
esac
"""


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is PATH, with `ip` only, and no other folder to look into."""
    folder = tmp_path / "path"
    write_stub(folder / "ip", "exit 0")
    monkeypatch.setattr(network_programs, "SYSTEM", ())
    return folder


def apt(system: Path, *, lists: str = ":", status: int = 0) -> None:
    write_stub(system / "apt-get", APT.replace("FOLDER", str(system)).replace("LISTS", lists))
    write_stub(system / "dpkg-deb", UNPACK.replace("STATUS", str(status)))


def fetch(system: Path) -> dict[str, Path]:
    return find_or_fetch(system.parent / "cache", {"PATH": str(system)})


def test_nothing_is_fetched_where_both_are_on_path(system: Path, printed: list[str]) -> None:
    write_stub(system / "nft", "exit 0")
    assert fetch(system) == {}
    assert printed == []


def test_what_path_lacks_is_unpacked_with_its_libraries_once(
    system: Path, printed: list[str]
) -> None:
    apt(system)
    fetched = fetch(system)
    assert list(fetched) == ["nft"]
    wrapper = fetched["nft"].read_text()
    assert "usr/lib/somewhere" in wrapper
    assert not (fetched["nft"].parent / "downloads").exists()
    assert "--quiet download libnft nftables" in (system / "asked").read_text()
    (system / "apt-get").unlink()
    assert fetch(system) == fetched
    assert len(printed) == 1


def test_without_a_list_of_packages_apt_gets_one_of_its_own(
    system: Path, printed: list[str]
) -> None:
    apt(system, lists=f"[ -e {system}/updated ] || exit 100")
    assert fetch(system).keys() == {"nft"}
    update = next(line for line in (system / "asked").read_text().splitlines() if "update" in line)
    assert str(system.parent / "cache") in update, "the system's own lists stay as they are"


@pytest.mark.parametrize("fault", ["no apt", "no package", "does not run"])
def test_set_up_goes_on_without_them_and_prints_how_to_install(
    system: Path, printed: list[str], fault: str
) -> None:
    if fault != "no apt":
        apt(
            system,
            lists="exit 100" if fault == "no package" else ":",
            status=1 if fault == "does not run" else 0,
        )
    assert fetch(system) == {}
    assert "nft is missing, so the local AWS has no VPC." in printed[-1]
    assert "apt install nftables iproute2" in printed[-1]


def test_another_system_than_linux_needs_none(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert fetch(system) == {}


def test_set_up_and_the_local_aws_look_in_the_same_folders() -> None:
    assert network_programs.SYSTEM == programs.SYSTEM
