"""What we are measured beside: other people's libraries, used as well as we know how."""
