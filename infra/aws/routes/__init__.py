"""Listener rules of a stack's services: conditions, their order, and what they match. Pure."""
