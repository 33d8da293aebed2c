"""From measurements to requests: profile files, those of other tools, and models of memory."""
