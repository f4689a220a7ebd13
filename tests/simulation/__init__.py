"""A deterministic simulation: the runtime of shared/messaging on a virtual clock, with faults from a seed.

The runtime's own code runs here unchanged: consumer, door, inbox, parking, outbox, relay, replay.
Three things are substituted, each at its thinnest seam: the event loop (`loop.py`), the SQL
statements (`postgres/`), Kafka's clients (`kafka/`). The two servers' models pass the suites in
`test_conformance_*.py`, which also run against the real servers.

    python -m tests.simulation --seeds 10000     explore
    python -m tests.simulation --seed 4711       replay one, with its schedule
"""
