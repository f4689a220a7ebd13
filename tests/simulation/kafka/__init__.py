"""A model of Kafka: a log of partitions, a consumer group, and clients with aiokafka's manners.

What it may be trusted in is what `test_conformance_kafka.py` shows on it and on the real one alike.
"""
