"""Alarms on what users feel, their recipients, and the dashboard."""
