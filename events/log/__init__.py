"""One contract, three logs: memory, SQLite, Apache Kafka."""
