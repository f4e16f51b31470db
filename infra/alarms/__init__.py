"""Alarms of services, their recipients, and the dashboard."""
