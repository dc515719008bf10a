"""Bytes in, trusted values or problems out. Knows nothing of events."""
