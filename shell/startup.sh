# Let every new shell follow. If the file named above has the time of the program, the shell starts no
# process: the file contains what `fal profile env` prints. Shells other than bash and zsh can read
# these lines, and do nothing.
# shellcheck shell=bash disable=SC1090,SC2154
case ${BASH_VERSION:+bash}${ZSH_VERSION:+zsh} in
    "${__falenv_cached##*.}")
        if \builtin test ! -x "$__falenv_exe"; then
            \builtin unset __falenv_exe __falenv_python __falenv_main
        elif \builtin test -f "$__falenv_cached" && \builtin test -r "$__falenv_cached" &&
            \builtin test -O "$__falenv_cached" && \builtin test ! -L "$__falenv_cached" &&
            \builtin test -O "${__falenv_cached%/*}" &&
            \builtin test ! "$__falenv_cached" -nt "$__falenv_exe" &&
            \builtin test ! "$__falenv_cached" -ot "$__falenv_exe"; then
            \builtin source "$__falenv_cached"
        else
            # -I keeps Python from running code that the current folder or Python's variables name.
            # After an upgrade of Python, the package may be in another folder.
            if \builtin test ! -r "$__falenv_main"; then __falenv_main=-mfalenv; fi
            \builtin eval "$("$__falenv_python" -I "$__falenv_main" profile start \
                --shell "${__falenv_cached##*.}" --cache "$__falenv_cached" --program "$__falenv_exe")"
        fi
        \builtin unset __falenv_cached
        ;;
    *) unset __falenv_exe __falenv_cached __falenv_python __falenv_main ;;
esac
