"""The daemon of a project: the process that serves its local AWS, and how commands reach it."""
