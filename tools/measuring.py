"""What the tools that measure have in common on the command line; it loads nothing that could be measured with it."""

import argparse
import sys
from pathlib import Path


def read_options(arguments, about, record, rounds, helps, **worker):
    """Return the options of a tool; `output` is None where nothing is to be recorded, `record` by default.

    `about` is the tool's docstring, `rounds` the default number, `helps` what --rounds and --images say in the help,
    and `worker` what argparse is to know of --worker.
    """
    parser = argparse.ArgumentParser(description=about.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=helps[0])
    parser.add_argument("--images", type=int, help=helps[1])
    parser.add_argument("--output", type=Path, help=f"the record to write (default: models/{record.name})")
    parser.add_argument("--no-record", action="store_true", help="only print")
    parser.add_argument("--worker", help=argparse.SUPPRESS, **worker)
    options = parser.parse_args(arguments)
    if options.rounds < 1 or (options.images is not None and options.images < 1):
        parser.error("--rounds and --images must be at least 1")
    if options.no_record:
        options.output = None
    elif options.output is None and options.images is None:
        # A quick look at a few images must not replace the published record.
        options.output = record
    return options


def exit_code(work, failure):
    """Do the work and return the exit code; `failure` is the exception that is told in its own words."""
    try:
        work()
    except failure as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: nothing was recorded.", file=sys.stderr)
        return 130
    return 0
