"""What runs on a node of a cluster: one task of a batch, as it would run on flowc's own machine.

It reads no Workflowfile, and imports little: every job pays for it.
"""
