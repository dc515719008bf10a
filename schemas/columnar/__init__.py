"""The rule table over many lines at once: columns of bytes as numpy arrays, and conditions compiled to work on them."""
