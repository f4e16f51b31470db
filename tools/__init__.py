"""Set-up of a fresh checkout, with the standard library only, on the Python that `make` finds."""
