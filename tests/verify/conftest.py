"""What several of these tests need, and is made once."""

import os
from collections.abc import Iterator

import pytest

from tests.verify.authority import Authority, make_authority
from tests.verify.browser import Browser
from tools.browser import NoBrowserError, find_or_install
from tools.cache import cache_root
from verify.judging import regexes


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates, good and bad."""
    return make_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a headless Chromium, which is fetched the first time.

    CI must have it; elsewhere tests are skipped without it.
    """
    try:
        command = find_or_install(cache_root(os.environ))
    except NoBrowserError as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    with Browser(command, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _regular_expressions() -> Iterator[None]:
    """End the process that matches regular expressions: it lasts as long as its parent."""
    yield
    regexes._worker().end()
