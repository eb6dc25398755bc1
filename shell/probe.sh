# `fal profile doctor` starts a new bash or zsh with these lines (newshell.py). They print one fact a line,
# behind the word falenv-says. They print no key, only its id.
# shellcheck shell=bash disable=SC2154
__falenv_says() { \builtin printf '\nfalenv-says %s %s\n' "$1" "$2"; }
__falenv_says version "${BASH_VERSION-}${ZSH_VERSION-}"
if \builtin typeset -f __falenv_guarded >/dev/null; then
    __falenv_says loaded "${__falenv_exe-}"
fi
case ${FAL_KEY-} in
    *:*) __falenv_says key "${FAL_KEY%%:*}" ;;
    ?*) __falenv_says key - ;;
esac
__falenv_says own "${FALENV_KEY_ID-}"
if \builtin test -n "${ZSH_VERSION-}"; then
    __falenv_says hooks "${precmd_functions[*]-}"
    if \builtin typeset -f compdef >/dev/null; then __falenv_says completes ''; fi
else
    __falenv_hooks=${PROMPT_COMMAND[*]-}
    __falenv_says hooks "${__falenv_hooks//$'\n'/;}"
    if \builtin complete -p fal >/dev/null 2>&1; then __falenv_says completes ''; fi
fi
