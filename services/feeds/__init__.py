"""Feeds: what other agencies' systems read from Kafka, a public contract apart from the stored events."""
