"""`JobGraph`, history and disk to `Plan`: which jobs run, and why."""
