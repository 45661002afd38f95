"""What can be typed after `mtls-lab workshop`."""

import argparse
from pathlib import Path


def declare(parser: argparse.ArgumentParser) -> None:
    """Two tasks: make and collect."""
    tasks = parser.add_subparsers(title="tasks", dest="task", metavar="TASK", required=True)
    _declare_make(tasks.add_parser("make", help="make a folder for each learner"))
    _declare_collect(tasks.add_parser("collect", help="read the learners' progress files into one table"))


def _declare_make(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the workshop's folder; a second call adds learners to it")
    parser.add_argument(
        "--learners",
        required=True,
        metavar="NAMES|N",
        help="names with commas between them, @FILE with one name a line, or how many (learner-01, ...)",
    )
    parser.add_argument(
        "--notebooks", metavar="NN,NN", help="only these notebooks, by number: 00,01,02,04 (default: all)"
    )
    parser.add_argument("--zip", action="store_true", help="also make NAME.zip of each folder, to hand out")
    parser.add_argument(
        "--force", action="store_true", help="replace lessons that are there already; progress is left alone"
    )


def _declare_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="+", type=Path, help="the workshop's folder, a folder of files handed in, or single files"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a line for each learner, for a spreadsheet")
    form.add_argument("--json", action="store_true", help="everything, for a program")
