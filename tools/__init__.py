"""What a fresh checkout needs before anything else runs: standard library only, on the Python that `make` finds."""
