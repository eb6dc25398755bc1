# shellcheck shell=bash disable=SC1090,SC2154
# Let every new shell follow. The copy named above (__falenv_cached) is check.sh, and then what `fal
# profile env` prints. It has the time of the program: nobody but the user can set that. Shells other than
# bash and zsh can read these lines, and do nothing.
case ${BASH_VERSION:+bash}${ZSH_VERSION:+zsh} in
    "${__falenv_cached##*.}")
        if \builtin test ! -x "$__falenv_exe"; then
            \builtin unset __falenv_exe
        elif \builtin test -f "$__falenv_cached" && \builtin test ! -L "$__falenv_cached" &&
            \builtin test -O "$__falenv_cached" && \builtin test -O "${__falenv_cached%/*}" &&
            \builtin test ! "$__falenv_cached" -nt "$__falenv_exe" &&
            \builtin test ! "$__falenv_cached" -ot "$__falenv_exe"; then
            \builtin source "$__falenv_cached"
        else
            \builtin unset __falenv_lost
            # Python must not run code that its variables name.
            \builtin eval "$(PYTHONPATH='' PYTHONHOME='' "$__falenv_exe" profile start --shell \
                "${__falenv_cached##*.}" --cache "$__falenv_cached" --program "$__falenv_exe")"
        fi
        # If this is still set, the program or its Python is missing. Tell a user once: then the file
        # is not empty. A restricted shell (r) cannot write it. One for a command (-c) says nothing.
        case ${__falenv_lost:+$-}:${BASH_EXECUTION_STRING+c}${ZSH_EXECUTION_STRING+c} in
            *r*:* | *:c | :) \builtin unset __falenv_lost __falenv_note ;;
            *i*:)
                __falenv_report() {
                    if \builtin test -n "${__p9k_instant_prompt_active-}"; then return 0; fi
                    (\umask 077 && \command mkdir -p "${__falenv_note%/*}") 2>/dev/null || \builtin true
                    if \builtin test -t 2 && \builtin test ! -s "$__falenv_note" &&
                        { \builtin echo missing >|"$__falenv_note"; } 2>/dev/null; then
                        \builtin printf '%s\n' "$__falenv_lost" >&2
                    fi
                    \builtin unset __falenv_lost __falenv_note
                    \builtin unset -f __falenv_report
                }
                # zsh waits for a prompt, because powerlevel10k takes earlier output for a fault.
                case ${ZSH_VERSION:+zsh} in
                    zsh) \builtin eval 'precmd_functions+=(__falenv_report)' ;;
                    *) __falenv_report ;;
                esac
                ;;
            *) \builtin unset __falenv_lost __falenv_note ;;
        esac
        \builtin unset __falenv_cached
        ;;
    *) unset __falenv_exe __falenv_cached __falenv_lost __falenv_note ;;
esac
