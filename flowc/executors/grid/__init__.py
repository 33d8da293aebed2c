"""Batch engines: one driver for all of them.

`driver` knows when to submit, ask, cancel and give up; `base` has the words that it shares with an
engine (`Queue`); `commands` makes a `Queue` of an engine's command-line programs, whose words a
`Dialect` knows: text in, text out. What a batch is on the shared file system is in `files`, and
`flowc.node` runs one of its tasks there.
"""
