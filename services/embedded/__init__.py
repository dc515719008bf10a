"""Servers that the program starts for itself: PostgreSQL by default, Kafka for demos and tests."""
