"""ECS's service scheduler as pure functions: no I/O, and the time is an argument."""
