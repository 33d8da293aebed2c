"""flowc export-script: write job scripts for plain bash, which need no flowc to run.

In the directory: each script is one job, or many of one rule; `submit.sh`,
`status.sh` and `cancel.sh`; a README and `manifest.json`. A job does not run when one that it needs
has failed, and what is done is not done again when submit.sh is called once more.

Examples:
  flowc export-script -o run
  run/submit.sh -j 4                    four scripts at once
"""

from argparse import ArgumentParser, Namespace

from flowc.cli.exporting import add_export, export


def options(parser: ArgumentParser) -> None:
    add_export(parser)


def main(args: Namespace) -> int:
    return export("script", args)
