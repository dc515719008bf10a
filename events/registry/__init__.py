"""Who is who, and the keys: the one store that ties a state id to a ref and holds what unseals the log."""
