"""The dispatcher with all its neighbours in one thread, on SQLite in memory, with a fake clock and a fake provider.

A seeded scheduler interleaves the actors of one history and lets them die at any crash point; then everything is left
to come to rest, and the invariants of FAULTS are checked against the provider's own journal. See ../README.md.
"""
