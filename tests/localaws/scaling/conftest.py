"""The account of the catalog's tests, whose service is scaled."""

from tests.localaws.catalog.conftest import account

__all__ = ["account"]
