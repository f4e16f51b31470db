"""ECS: a pure scheduler, a task runtime, and the controller that binds them to the cloud."""
