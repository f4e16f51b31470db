"""What a fresh checkout needs first: standard library only, on the Python that `make` finds."""
