"""Apache Kafka's jars: named by deploy/kafka/pom.xml, copied by Maven into a cache outside the tree, once."""

from services.embedded.maven_jars import Jars, JarsMissing


class KafkaMissing(JarsMissing):
    """Kafka cannot be run here. The message says in one line what is missing and what to do."""


KAFKA = Jars("kafka", "Kafka", KafkaMissing)
VERSION = KAFKA.version
fetch, ready = KAFKA.fetch, KAFKA.ready
