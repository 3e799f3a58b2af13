"""``python -m mailproc``."""

from mailproc.cli import main

main(prog_name="mailproc")
