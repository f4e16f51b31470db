"""The base of errors that a command of `pulumi-local` shows by their message alone."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can put right; the message says what it is and what to do."""
