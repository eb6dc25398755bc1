# Let every new shell follow. If the copy named above (__falenv_cached) is current, the shell starts no
# process: the copy contains what `fal profile env` prints. Shells other than bash and zsh can read
# these lines, and do nothing.
# shellcheck shell=bash disable=SC1090,SC2154
case ${BASH_VERSION:+bash}${ZSH_VERSION:+zsh} in
    "${__falenv_cached##*.}")
        __falenv_first='' __falenv_made='' __falenv_package='' __falenv_version='' __falenv_current=''
        # A script begins with the path of its Python.
        if \builtin test -f "$__falenv_exe" && \builtin test -r "$__falenv_exe"; then
            IFS='' \builtin read -r __falenv_first <"$__falenv_exe" || \builtin true
        fi
        case $__falenv_first in '#!'*) ;; *) __falenv_first= ;; esac
        # The first lines of the copy say what it was made from: the script, the package and its version.
        # Some package managers give the same time to all files.
        if \builtin test -f "$__falenv_cached" && \builtin test -r "$__falenv_cached" &&
            \builtin test -O "$__falenv_cached" && \builtin test ! -L "$__falenv_cached" &&
            \builtin test -O "${__falenv_cached%/*}"; then
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
        fi
        if \builtin test -z "$__falenv_current"; then
            \builtin true
        elif \builtin test -d "$__falenv_package/_data"; then
            # The copy has the time of the program. Nobody but the user can set it.
            if \builtin test "$__falenv_cached" -nt "$__falenv_exe" ||
                \builtin test "$__falenv_cached" -ot "$__falenv_exe"; then
                __falenv_current=
            fi
        else
            # A checkout: the copy has the time of the newest file.
            __falenv_current=
            for __falenv_text in "$__falenv_exe" "$__falenv_package"/*.py \
                "${__falenv_package%/*}"/shell/* "${__falenv_package%/*}"/completions/*; do
                if \builtin test "$__falenv_text" -nt "$__falenv_cached"; then
                    __falenv_current=
                    \builtin break
                elif \builtin test ! "$__falenv_text" -ot "$__falenv_cached"; then
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
        if \builtin test -x "$__falenv_exe" && \builtin test -x "$__falenv_python"; then
            if \builtin test -s "$__falenv_missed"; then
                { \builtin true >|"$__falenv_missed"; } 2>/dev/null || \builtin true
            fi
            \builtin unset __falenv_missed __falenv_lost
            if \builtin test -n "$__falenv_current"; then
                \builtin source "$__falenv_cached"
            else
                # -I keeps Python from running code that the current folder or Python's variables name.
                # After an upgrade of Python, the package may be in another folder.
                if \builtin test ! -r "$__falenv_main"; then __falenv_main=-mfalenv; fi
                \builtin eval "$("$__falenv_python" -I "$__falenv_main" profile start --shell \
                    "${__falenv_cached##*.}" --cache "$__falenv_cached" --program "$__falenv_exe")"
            fi
        else
            # Tell a user once that the program is missing. Then the file is not empty. A restricted
            # shell (r) cannot write it.
            __falenv_report() {
                if \builtin test ! -d "${__falenv_missed%/*}"; then
                    (\umask 077 && \command mkdir -p "${__falenv_missed%/*}") 2>/dev/null || \builtin true
                fi
                if { \builtin echo missing >|"$__falenv_missed"; } 2>/dev/null; then
                    \builtin printf '%s\n' "$__falenv_lost" >&2
                fi
                \builtin unset __falenv_missed __falenv_lost
            }
            if \builtin test ! -s "$__falenv_missed"; then
                # The last word is empty unless the shell was started for one command (-c).
                case $-:${__falenv_cached##*.}:${BASH_EXECUTION_STRING+c}${ZSH_EXECUTION_STRING+c} in
                    *r*:*: | *:c) ;;
                    *i*:bash:) if \builtin test -t 2; then __falenv_report; fi ;;
                    # At a prompt, because powerlevel10k takes earlier output for a fault.
                    *i*:zsh:) \builtin eval '__falenv_hook() {
                        \builtin emulate -L zsh
                        [[ -t 2 && -z ${__p9k_instant_prompt_active-} ]] || return 0
                        precmd_functions=(${precmd_functions:#__falenv_hook})
                        __falenv_report
                        \builtin unfunction __falenv_hook __falenv_report
                    }
                    \builtin typeset -ga precmd_functions
                    precmd_functions=("${(@)precmd_functions:#__falenv_hook}" __falenv_hook)' ;;
                esac
            fi
            if ! \builtin typeset -f __falenv_hook >/dev/null; then
                \builtin unset __falenv_missed __falenv_lost
                \builtin unset -f __falenv_report
            fi
            \builtin unset __falenv_exe __falenv_python __falenv_main
        fi
        \builtin unset __falenv_cached __falenv_first __falenv_made __falenv_package __falenv_version \
            __falenv_current __falenv_text
        ;;
    *)
        unset __falenv_exe __falenv_cached __falenv_python __falenv_main __falenv_missed __falenv_lost
        ;;
esac
