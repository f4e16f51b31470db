"""What AWS and this program name, allow and offer, as plain facts and functions."""
