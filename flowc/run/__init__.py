"""Decides what starts when, and is the only part that changes the user's files."""
