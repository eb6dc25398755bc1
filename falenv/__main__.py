"""Entry of both scripts, `fal` and `falenv`: the fast path first, click only when needed."""

import os
import sys


def main() -> int:
    """Run the command line; return the exit code: 0 done, 1 refused or failed, 2 misused.

    The other imports are inside, so that Ctrl-C is quiet from the start.
    """
    try:
        return _main()
    except KeyboardInterrupt:
        return 130


def _main() -> int:
    from falenv import console, program
    from falenv.errors import FalenvError, InternalError, SystemFailedError

    console.open_streams()
    program.function = program.function_of_shell(sys.argv[1:])
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()  # here, where a failure can still be reported
    except FalenvError as error:
        console.say(str(error))
        code = error.exit_code
    except SystemExit as end:  # of a command that was run for several profiles
        code = int(end.code or 0)
    except BrokenPipeError:
        console.drop_output()  # the reader went away, which is not a fault
        code = 141
    except OSError as error:
        console.drop_output()
        console.say(str(SystemFailedError(error)))
        code = 1
    except Exception as error:  # noqa: BLE001 - some show the values of a traceback's variables
        console.drop_output()
        console.say(str(InternalError(error)))
        code = 1
    return code


def _run(arguments: list[str]) -> int:
    from falenv import console, fast, plain
    from falenv.errors import NoOfficialError

    ours = arguments[:1] in (["profile"], ["profiles"])
    if ours and (fast.dispatch(arguments[1:]) or plain.dispatch(arguments[1:])):
        return 0
    is_falenv = _is_falenv()
    if is_falenv and arguments[:1] == ["--"]:  # from the shell function `fal`
        ours, is_falenv, arguments = False, False, arguments[1:]
    asks = arguments in fast.ABOUT_ITSELF
    if not ours and not (is_falenv and asks):
        if arguments and _is_near_profile(arguments[0]):
            # The official CLI may have such a command one day, so hand over all the same.
            console.say("did you mean: fal profile")
        try:
            fast.pass_on(arguments)
        except NoOfficialError:
            if not asks:
                raise
            from falenv.commands import run

            run(["--help"])
            raise
    from falenv.commands import run

    return run(arguments)


def _is_near_profile(word: str) -> bool:
    """Return True for `profile` with one letter too few, too many or wrong, or two exchanged."""
    right = "profile"
    if word[:1] != "p" or abs(len(word) - len(right)) > 1:
        return False
    longer, shorter = (right, word) if len(word) < len(right) else (word, right)
    if len(longer) > len(shorter):
        return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
    wrong = sum(one != other for one, other in zip(word, right, strict=True))
    return wrong == 1 or (wrong == 2 and sorted(word) == sorted(right))  # noqa: PLR2004


def _is_falenv() -> bool:
    """Return True for the script `falenv` and for `python -m falenv`.

    `fal --help` is the official CLI's.
    """
    return os.path.basename(sys.argv[0]).startswith(("falenv", "__main__"))


if __name__ == "__main__":
    if sys.flags.isolated:
        # A shell runs this file as `python -I`, which leaves out the packages of `pip install
        # --user`. This package is found before another one of its name.
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        others = [at for at, path in enumerate(sys.path) if path.endswith("-packages")]
        sys.path.insert(others[0] if others else len(sys.path), folder)
    sys.exit(main())
