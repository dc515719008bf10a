"""The facts, what may happen next, and the log that keeps them."""
