"""flowc: a workflow compiler that measures what jobs need and schedules by it."""

__version__ = "0.1.0"
