"""`python -m verify`."""

from verify.main import entry_point

entry_point()
