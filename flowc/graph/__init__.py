"""`Workflow` and targets to `JobGraph`, the intermediate representation: no wildcard left,
acyclic, ids are indices, with a versioned JSON form."""
