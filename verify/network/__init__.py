"""Requests and what they come to: names, connections, TLS, HTTP."""
