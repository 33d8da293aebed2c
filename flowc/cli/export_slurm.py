"""flowc export-slurm: write job scripts for Slurm, which need no flowc to run."""

from functools import partial

from flowc.cli.exporting import add_export, described, export

__doc__ = described(
    __doc__,
    "flowc export-slurm -o run --site site.yaml",
    "run/submit.sh && run/status.sh",
    "flowc export-slurm -o run --group-to 10m      short jobs one after another",
)
options = add_export
main = partial(export, "slurm")
