"""A simulated clinic that uses Stride only through its public doors, in driven time.

It hands events in (HTTP, Kafka, FHIR), learns of bookings from the topics, and at the end
compares what it did with what the topics, tables and mail inbox show.
"""
