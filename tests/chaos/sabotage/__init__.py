"""Takes every protection of the send and money path away, one at a time: a test must notice each. See ../README.md."""
