"""flowc export-script: write job scripts for plain bash, which need no flowc to run."""

from functools import partial

from flowc.cli.exporting import add_export, described, export

__doc__ = described(
    __doc__,
    "flowc export-script -o run",
    "run/submit.sh -j 4                    four scripts at once",
)
options = add_export
main = partial(export, "script")
