"""Text to tree. `parse` gives the tree of one file; nothing is looked up or evaluated here."""
