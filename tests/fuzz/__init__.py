"""Harnesses that take any bytes: README.md says how to run them."""
