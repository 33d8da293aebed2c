"""flowc export-sge: write job scripts for Grid Engine, which need no flowc to run.

In the directory: each script is one job, or an array of the jobs of one rule; `submit.sh`,
`status.sh` and `cancel.sh`; a README and `manifest.json`. A job does not run when one that it needs
has failed, and what is done is not done again when submit.sh is called once more.

Examples:
  flowc export-sge -o run --site site.yaml
  run/submit.sh && run/status.sh
  flowc export-sge -o run --group-to 10m        short jobs one after another
"""

from argparse import ArgumentParser, Namespace

from flowc.cli.exporting import add_export, export


def options(parser: ArgumentParser) -> None:
    add_export(parser)


def main(args: Namespace) -> int:
    return export("sge", args)
