"""Application Auto Scaling of ECS services: metrics, policies and schedules move desired counts."""
