"""The commands of the container: `inference-server serve` and `inference-server compile`."""

from __future__ import annotations

import argparse
import sys

from inference_server import __version__
from inference_server.compiling.request import DESCRIPTION, EPILOG, add_arguments, request_of
from inference_server.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0; 1 when it had to give up; 2 when settings or the model are wrong."""
    parser = argparse.ArgumentParser(
        prog="inference-server", description="Serves Stable Diffusion by OpenAI's images API."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "serve",
        help="serve the model; settings come from the environment",
        description="Serves the model until SIGTERM. docs/server.md says what it is told by its "
        "environment.",
    )
    compiling = commands.add_parser(
        "compile",
        help="compile an imported model for one kind of device, and store the artefact",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    add_arguments(compiling)
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "compile":
            from inference_server.compiling.compile import compile_artefact  # noqa: PLC0415

            return compile_artefact(request_of(asked))
        # Imported here, so that --help and a wrong command answer at once.
        from inference_server.serve import serve  # noqa: PLC0415
        from inference_server.settings import read_settings  # noqa: PLC0415

        return serve(read_settings())
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
