"""bash 3.2, the bash of every Mac: no newer construct in what it reads."""

from __future__ import annotations

import re

import pytest
from conftest import REPOSITORY

#: All that bash reads of falenv.
SOURCES = (
    "shell/*.bash",
    "shell/core.sh",
    "shell/check.sh",
    "shell/startup.sh",
    "shell/login.sh",
    "completions/*.bash",
)
#: What bash 3.2 lacks: a pattern, and a line that it has to find. The version is the first with it.
NEWER = (
    (r"\$\{!?\w+(\[[^]]*\])?@[A-Za-z]", "x=${name@Q}", "4.4"),
    (r"\$\{!?\w+(\[[^]]*\])?(\^|,)", "x=${name^^}", "4.0"),
    (r"\$\{\w+(\[[^]]*\])?:[^-+=?}:][^}:]*: *-", "x=${name:0:-1}", "4.2"),
    (r"\[-\d+\]", "x=${list[-1]}", "4.2"),
    (r"\$\{?(BASHPID|BASH_ALIASES|BASH_CMDS|EPOCH\w+|SRANDOM)\b", "x=$BASHPID", "4.0"),
    (r"\[( [^]]*)? -[vR] ", "[[ -z $x && -v name ]]", "4.2"),
    (r"\btest( .*)? -[vR] ", "test -v name", "4.2"),
    (r"\b(declare|typeset|local)( -\w+)* -\w*[Agnluc]", "declare -gA map", "4.0"),
    (r"\blocal -( |$)", "local -", "4.4"),
    (r"\bunset( -\w+)* -n", "unset -n name", "4.3"),
    (r"\b(mapfile|readarray|coproc|compopt)\b", "mapfile -t lines", "4.0"),
    (r"\bcomplete( -\w+)* -\w*[DEI]", "complete -D -F loader", "4.1"),
    (r"\bread( -\w+)* -\w*[iN]", "read -rN 1 char", "4.1"),
    (r"\bread( -\w+)* -t ?0?\.", "read -t 0.1 line", "4.0"),
    (r"\bwait -[nfp]", "wait -n", "4.3"),
    (r"\bprintf( -v \S+)? \S*%[^ ]*\(", "printf '%(%s)T'", "4.2"),
    (r"\bprintf -v \S*\[", "printf -v 'list[0]' x", "4.1"),
    (r"\bshopt\b.*\b(globstar|lastpipe|inherit_errexit|localvar_\w+)", "shopt -s lastpipe", "4.0"),
    (r"&>>", "run &>>log", "4.0"),
    (r"\|&", "run |& cat", "4.0"),
    (r";;?&( |$)", "a) run ;;&", "4.0"),
    (r"\{\w+\}[<>]", "exec {fd}<file", "4.1"),
    (r"\{-?\w+\.\.-?\w+\.\.", "echo {1..9..2}", "4.0"),
    (r"\$'[^']*\\[uU]", r"x=$'\u00e9'", "4.2"),
    (r"\$\{[ |]", "x=${ run; }", "5.3"),
)
#: Lines that only a newer bash or zsh runs, or whose failure an old bash ignores.
GUARDED = {
    # Behind others.
    "\\builtin printf -v __falenv_clock '%(%s)T' -1",
    "[[ ${FAL_KEY@a}${FAL_HOST@a}${FAL_RUN_HOST@a}${FAL_QUEUE_RUN_HOST@a} == *r* ||",
    "${FAL_PROFILE@a}${FALENV_PROFILE@a}${FALENV_KEY_ID@a}${FALENV_MARK@a} == *r* ||",
    "${FAL_KEY_ID@a}${FAL_KEY_SECRET@a}${FAL_FORCE_AUTH_BY_USER@a}${FAL_GRPC_HOST@a} == *r* ||",
    "${FAL_REST_HOST@a}${FAL_WS_RUN_HOST@a} == *r* ||",
    "${ISOLATE_AUTH_DISABLED@a}${ISOLATE_TEST_MODE@a} == *r* ]]",
    "__falenv_d=${!1@a}",  # behind a test of BASH_VERSINFO
    "local - || :",  # __falenv_guarded restores the options itself
    "\\builtin compopt -o bashdefault -o default 2>/dev/null || :",
    "1:*[=/:]) \\builtin compopt -o nospace 2>/dev/null || : ;;",
}


@pytest.mark.parametrize(("pattern", "example", "version"), NEWER)
def test_each_pattern_finds_what_it_is_for(pattern: str, example: str, version: str) -> None:
    assert re.search(pattern, example), version


def test_bash_reads_nothing_that_version_3_2_lacks() -> None:
    found, guarded = [], set()
    for source in SOURCES:
        for path in sorted(REPOSITORY.glob(source)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = line.strip()
                if code.startswith("#"):
                    continue
                if code in GUARDED:
                    guarded.add(code)
                    continue
                found += [
                    f"{path.name}:{number}: {code} needs bash {version}"
                    for pattern, _, version in NEWER
                    if re.search(pattern, code)
                ]
    assert found == []
    assert guarded == GUARDED
