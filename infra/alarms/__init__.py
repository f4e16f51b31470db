"""Alarms on what users feel, who hears of them, and the dashboard."""
