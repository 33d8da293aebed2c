"""Tree to `Workflow`: names, expressions, includes and config are resolved here, by flowc's own
evaluator. A `Workflow` is valid: nothing later raises for the user's syntax."""
