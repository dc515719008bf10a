"""The edges: the only code that builds connections, reads a clock or talks to a person."""

__version__ = "0.1.0"
