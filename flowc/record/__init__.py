"""Events to what is remembered: the JSONL log and the history."""
