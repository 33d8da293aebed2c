"""How Sphinx builds these pages: `sphinx-build -W docs docs/_build/html`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from flowc import __version__  # noqa: E402 - the line above makes it the checkout's

project = "flowc"
author = "The flowc developers"
copyright = author
release = version = __version__

extensions = ["myst_parser", "flowc_reference", "workflow_lexer"]
exclude_patterns = ["_build", "_ext"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
html_theme = "furo"
html_title = f"flowc {__version__}"
