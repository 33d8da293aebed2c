"""Executors: where jobs run. Each is one file; `base` is the protocol they share."""
