"""The subcommands of `mtls-lab`: one file each, found by `cli.py`."""
