"""The options of a run as plain values: how each is declared, read and kept secret."""
