# shellcheck shell=bash disable=SC1090,SC2154
# The beginning of the copy that bash and zsh read when they start. If the copy is current, nothing
# happens here, and the rest follows: what `fal profile env` prints. So the shell starts no process.
# Otherwise the shell takes that from the program. The block in the start-up file has compared the times
# of the program (__falenv_exe) and of this copy (__falenv_cached). If Python is missing, it says so.
__falenv_first='' __falenv_made='' __falenv_package='' __falenv_version='' __falenv_current=''
# A script begins with the path of its Python.
if \builtin test -f "$__falenv_exe" && \builtin test -r "$__falenv_exe"; then
    IFS='' \builtin read -r __falenv_first <"$__falenv_exe" || \builtin true
fi
case $__falenv_first in '#!'*) ;; *) __falenv_first= ;; esac
# The first lines of the copy say what it was made from: the script, the package and its version.
# Some package managers give the same time to all files.
{
    IFS='' \builtin read -r __falenv_made && IFS='' \builtin read -r __falenv_package &&
        IFS='' \builtin read -r __falenv_version || \builtin true
} <"$__falenv_cached"
__falenv_package=${__falenv_package#?}
if \builtin test "$__falenv_made" = "#$__falenv_first" &&
    \builtin test -r "$__falenv_package/__init__.py"; then
    while IFS='' \builtin read -r __falenv_text; do
        if \builtin test "#$__falenv_text" = "$__falenv_version"; then
            __falenv_current=yes
            \builtin break
        fi
    done <"$__falenv_package/__init__.py"
fi
if \builtin test -n "$__falenv_current" && \builtin test ! -d "$__falenv_package/_data"; then
    # A checkout: beside the copy is a file with the time of the newest file that the copy is made from.
    __falenv_current=
    for __falenv_text in "$__falenv_package"/*.py "${__falenv_package%/*}"/shell/* \
        "${__falenv_package%/*}"/completions/*; do
        if \builtin test "$__falenv_text" -nt "$__falenv_cached.newest"; then
            __falenv_current=
            \builtin break
        elif \builtin test ! "$__falenv_text" -ot "$__falenv_cached.newest"; then
            __falenv_current=yes
        fi
    done
fi
# After an upgrade, the script may name another Python, with the package in the same place.
__falenv_first=${__falenv_first#??}
__falenv_first=${__falenv_first%% *}
__falenv_text=${__falenv_first%/*/*}${__falenv_main#"${__falenv_python%/*/*}"}
case ${__falenv_first##*/} in
    python* | pypy*)
        if \builtin test -x "$__falenv_first" && \builtin test -r "$__falenv_text"; then
            __falenv_python=$__falenv_first __falenv_main=$__falenv_text
        fi
        ;;
esac
\builtin unset __falenv_first __falenv_made __falenv_package __falenv_version __falenv_text
if \builtin test ! -x "$__falenv_python"; then
    \builtin unset __falenv_exe __falenv_python __falenv_main __falenv_current
    return 0
fi
if \builtin test -s "$__falenv_note"; then
    { \builtin true >|"$__falenv_note"; } 2>/dev/null || \builtin true
fi
\builtin unset __falenv_lost __falenv_note
if \builtin test -z "$__falenv_current"; then
    \builtin unset __falenv_current
    # -I keeps Python from running code that the current folder or Python's variables name.
    # After an upgrade of Python, the package may be in another folder.
    if \builtin test ! -r "$__falenv_main"; then __falenv_main=-mfalenv; fi
    \builtin eval "$("$__falenv_python" -I "$__falenv_main" profile start --shell \
        "${__falenv_cached##*.}" --cache "$__falenv_cached" --program "$__falenv_exe")"
    return 0
fi
\builtin unset __falenv_current
