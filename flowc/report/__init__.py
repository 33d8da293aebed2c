"""The story of a run as people and other tools read it: a page, a text, exports."""
