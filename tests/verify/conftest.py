"""What several of these tests need, and is made once."""

import pytest

from tests.verify.authority import Authority, make_authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates, good and bad."""
    return make_authority(tmp_path_factory.mktemp("certificates"))
