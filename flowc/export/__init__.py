"""From a plan to job scripts that a cluster runs without flowc.

`units` makes arrays and groups of the plan's jobs, a `Dialect` says what one asks for in an
engine's words, and `write` renders the templates. The scripts look after themselves: a job runs
only when all that it needs has left its marker, and leaves its own when its outputs are whole.
"""
