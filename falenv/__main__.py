"""Entry of both scripts, `fal` and `falenv`: the hot path first, click only when needed."""

from __future__ import annotations

import os
import sys

from falenv import hot
from falenv.errors import FalenvError


def main() -> int:
    """Run the command line; return the exit code: 0 done, 1 refused or failed, 2 misused."""
    arguments = sys.argv[1:]
    try:
        ours = arguments[:1] in (["profile"], ["profiles"])
        if ours and hot.dispatch(arguments[1:]):
            return 0
        if ours or (_is_falenv() and arguments in ([], ["--help"], ["--version"])):
            from falenv.commands import run

            return run(arguments)
        hot.pass_on(arguments)
    except FalenvError as error:
        hot.say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away. Python would complain once more when it closes stdout.
        sys.stderr.close()
        return 141


def _is_falenv() -> bool:
    """Tell whether we were called by the name that is ours alone; `fal --help` is the official's."""
    return os.path.basename(sys.argv[0]).startswith("falenv")


if __name__ == "__main__":
    sys.exit(main())
