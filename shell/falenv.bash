# shellcheck shell=bash
# falenv's integration for bash, 3.2 and later: what bash does in its own way.
#
# Sent after a prelude of assignments and core.sh, and before a state; README.md in this folder
# describes all of them. core.sh calls the functions that it lists there, which are defined here.
#
# Every name begins with __falenv_, except the functions fal, falenv and falenv_prompt. No variable holds a
# key, except __falenv_old_*: what the user had before. `\builtin` gets past the user's aliases and
# functions. Everything but __falenv_idle runs under __falenv_guarded, or in a state, where nothing
# depends on the user's options.
# shellcheck disable=SC2154

# --- What the shell had before --------------------------------------------------------------------

# Assign the attributes of variable $1 to variable $2, as `declare` prints them: x is exported, r
# read-only, a an array. Only old versions of bash and odd cases need a subshell.
__falenv_attributes() {
    local __falenv_d=
    if ! \builtin declare -p "$1" >/dev/null 2>&1; then
        :
    elif [[ -n ${!1+set} ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
        __falenv_d=${!1@a}
    else
        __falenv_d=$(\builtin declare -p "$1" 2>/dev/null)
        __falenv_d=${__falenv_d#declare -}
        __falenv_d=${__falenv_d%% *}
    fi
    \builtin printf -v "$2" %s "$__falenv_d"
}

# Remember variables as they are: exported, set or unset. Core restores them.
__falenv_keep() {
    local __falenv_v __falenv_a
    for __falenv_v in "$@"; do
        if [[ -n ${!__falenv_v+set} ]]; then
            __falenv_attributes "$__falenv_v" __falenv_a
            case $__falenv_a in
                *x*) \builtin eval "__falenv_was_$__falenv_v=exported" ;;
                *) \builtin eval "__falenv_was_$__falenv_v=set" ;;
            esac
            \builtin eval "__falenv_old_$__falenv_v=\$$__falenv_v"
        else
            \builtin eval "__falenv_was_$__falenv_v=unset"
        fi
    done
}

# --- What core.sh needs ---------------------------------------------------------------------------

# Read the beginning of file $1 into __falenv_read, which the caller has declared. `read` returns 1 at
# the end of the file.
__falenv_read_link() {
    # shellcheck disable=SC2034
    IFS='' \builtin read -r -d '' -n "$__falenv_link_max" __falenv_read <"$1" || :
}

# `printf -v` fails for a read-only variable without ending the function, as an assignment would.
__falenv_is_readonly() {
    [[ -n ${!1+set} ]] && ! \builtin printf -v "$1" %s "${!1}" 2>/dev/null
}

__falenv_in_subshell() {
    ((BASH_SUBSHELL))
}

# In a start-up file the last element is the path of that file.
__falenv_is_typed() {
    case $-:${BASH_SOURCE[${#BASH_SOURCE[@]} - 1]} in *i*:main | *i*:) ;; *) return 1 ;; esac
}

# Run "$@" without the options that would end the shell at a false test (-e, -u), export our
# variables (-a), print a key (-v, -x), run the user's DEBUG and ERR traps in here (-T, -E) or change
# what a pattern matches. The locals have one underscore, because `off` unsets all names that begin
# with two while this function runs.
__falenv_guarded() {
    { local _falenv_status _falenv_flags=$- _falenv_shopt _falenv_on; } 2>/dev/null
    # Since bash 4.4, `local -` restores the options even after Ctrl-C.
    {
        local - || :
        \builtin set +aefuvxET
    } 2>/dev/null
    _falenv_on=()
    for _falenv_shopt in nocasematch failglob; do
        if \builtin shopt -q "$_falenv_shopt"; then
            _falenv_on+=("$_falenv_shopt")
            \builtin shopt -u "$_falenv_shopt"
        fi
    done
    "$@"
    _falenv_status=$?
    if ((${#_falenv_on[@]})); then
        \builtin shopt -s "${_falenv_on[@]}"
    fi
    _falenv_flags=${_falenv_flags//[!aefuvxET]/}
    if [[ -n $_falenv_flags ]]; then
        \builtin set "-$_falenv_flags"
    fi
    return "$_falenv_status"
}

# --- The hook -------------------------------------------------------------------------------------

# True if nothing has changed since the last prompt. This runs before every prompt, so it only
# compares. With nocasematch a comparison proves nothing. __falenv_note_payer notes the same texts.
__falenv_idle() {
    # shellcheck disable=SC2050  # the constants detect nocasematch
    [[ a != A && -x $__falenv_exe &&
        ${FAL_PROFILE-}:${FALENV_PROFILE-}:${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_around" &&
        ${FAL_KEY%%:*}:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-} == "$__falenv_payer" &&
        ${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}${FAL_GRPC_HOST+x} == "$__falenv_rivals_a" &&
        ${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x} == "$__falenv_rivals_b" &&
        ${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-} == "$__falenv_styled" ]] || return 1
    [[ ${PWD-} == "$__falenv_pwd" && -z $__falenv_seen && -z $__falenv_f9 &&
        ! -e $__falenv_f1 && ! -e $__falenv_f2 && ! -e $__falenv_f3 && ! -e $__falenv_f4 &&
        ! -e $__falenv_f5 && ! -e $__falenv_f6 && ! -e $__falenv_f7 && ! -e $__falenv_f8 ]] ||
        __falenv_find_links
    [[ -z $__falenv_moved$__falenv_dotenv ]] && __falenv_is_fresh "$__falenv_index" || return 1
    case $__falenv_segment:${PS1-} in :* | *__falenv_segment*) ;; *) return 1 ;; esac
}

# Runs from PROMPT_COMMAND. The hooks after it and the next command see the $? from before it.
__falenv_hook() {
    local _falenv_before=$?
    # Without the options that __falenv_guarded turns off, the comparisons need no guard.
    case $- in
        *[aeuvxET]*) __falenv_guarded __falenv_catch_up || : ;;
        *) __falenv_idle || __falenv_guarded __falenv_catch_up || : ;;
    esac
    return "$_falenv_before"
}

# --- The prompt -----------------------------------------------------------------------------------

# PS1 names variables, because bash does not expand their values again. \[ and \] work only in PS1
# itself.
# shellcheck disable=SC2016
__falenv_ps1='\[${__falenv_style-}\]${__falenv_segment-}\[${__falenv_plain-}\]'

# For the user's own PS1, in single quotes: '$(falenv_prompt)\$ '. Print the active profile in format
# $1, else in that of FALENV_PROMPT, else in the default one. The rest of PS1 sees the $? from before.
falenv_prompt() {
    local __falenv_status=$? __falenv_filled='' __falenv_form=${FALENV_PROMPT:-$__falenv_format}
    [[ $__falenv_form != off ]] || __falenv_form=$__falenv_format
    __falenv_fill "${1:-$__falenv_form}"
    \builtin printf '%s' "$__falenv_filled"
    return "$__falenv_status"
}

# Put the segment in front of the prompt, unless another program draws the prompt or the user places
# the segment.
__falenv_show() {
    local __falenv_filled=''
    __falenv_segment='' __falenv_style='' __falenv_plain=''
    if [[ -z $__falenv_name || -n $__falenv_segment_off || ${FALENV_PROMPT-} == off ]]; then
        return 0
    fi
    # starship, oh-my-posh and ble.sh draw the whole prompt. falenv_prompt in PS1 has its own place.
    ! \builtin declare -F starship_precmd >/dev/null &&
        ! \builtin declare -F _omp_hook >/dev/null || return 0
    case ${BLE_VERSION-}:${PS1-} in
        [!:]* | *falenv_prompt*) return 0 ;;
        *__falenv_segment*) ;;
        *)
            \builtin shopt -q promptvars || return 0
            PS1=$__falenv_ps1${PS1-}
            ;;
    esac
    __falenv_fill "${FALENV_PROMPT:-$__falenv_format}"
    __falenv_segment=$__falenv_filled
    if [[ -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
        __falenv_style=$'\e['"${__falenv_sgr}m" __falenv_plain=$'\e[22;39m'
    fi
}

# --- Installing, once however often a shell reads this ---------------------------------------------

# The text in PROMPT_COMMAND does nothing in a child shell that inherits it. `&& :` passes $? on
# without ending a shell with -e and without running the user's ERR trap a second time.
# shellcheck disable=SC2016
__falenv_prompt_command='"${__falenv_run:-:}" && :'

# Remember what `off` restores, and install the hook.
__falenv_load() {
    # An array, because the environment cannot contain one.
    if [[ ${__falenv_loaded[1]-} != "$$" ]]; then
        __falenv_init
        __falenv_functions='' __falenv_aliases='' __falenv_completion='' __falenv_completions_kept=''
        __falenv_keep_command falenv
        __falenv_completions_kept=$__falenv_completion
        __falenv_keep_command fal
        __falenv_completions_kept+=$'\n'$__falenv_completion
        __falenv_keep_all
        __falenv_loaded=('' "$$") # IFS could split a plain $$
    else
        __falenv_keep_pin
    fi
    \builtin complete -F __falenv_complete fal falenv 2>/dev/null
    \builtin unalias fal falenv 2>/dev/null
    case $- in
        *i*)
            __falenv_run=__falenv_hook
            __falenv_install
            ;;
    esac
}

# Remember the user's function, alias and completion of command $1, as code that makes them again. Copy
# the function and the alias under names of falenv's, so that they can still run. Asking first whether
# there is anything to print takes no subshell.
__falenv_keep_command() {
    local __falenv_text=''
    if \builtin declare -F "$1" >/dev/null; then
        # -p also prints whether the function is exported. bash before 4 has no -p for functions.
        __falenv_text=$(\builtin declare -pf "$1" 2>/dev/null) ||
            __falenv_text=$(\builtin declare -f "$1")
        __falenv_functions+=$__falenv_text$'\n'
        \builtin eval "__falenv_users_$__falenv_text"
        \builtin unset -f "$1"
    fi
    if \builtin alias "$1" >/dev/null 2>&1; then
        __falenv_text=$(\builtin alias "$1")
        __falenv_text=${__falenv_text#alias } # POSIX mode prints no `alias`
        __falenv_aliases+="\\builtin alias $__falenv_text"$'\n'
        # An alias does not expand itself again.
        \builtin unalias "$1"
        if \builtin shopt -q expand_aliases; then
            \builtin eval "__falenv_text=${__falenv_text#*=}"
            \builtin eval "__falenv_alias_$1() { $__falenv_text \"\$@\""$'\n}' 2>/dev/null
        fi
    fi
    __falenv_completion=
    if \builtin complete -p "$1" >/dev/null 2>&1; then
        __falenv_completion=$(\builtin complete -p "$1")
    fi
    # bash-completion loads falenv's own completion again when it is needed.
    case $__falenv_completion in *' __falenv_complete '*) __falenv_completion= ;; esac
}

# Add the hook behind the others: direnv's hook goes in front, and changes what this one looks at. A
# newline separates it from whatever the string ends in.
__falenv_install() {
    case "${PROMPT_COMMAND[*]-}" in *"$__falenv_prompt_command"*) return 0 ;; esac
    local __falenv_a
    __falenv_attributes PROMPT_COMMAND __falenv_a
    case $__falenv_a in
        *r*)
            \builtin printf '%s\n' "$__falenv_readonly_hook" >&2
            return 0
            ;;
        *a*)
            if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] > 0))); then
                PROMPT_COMMAND+=("$__falenv_prompt_command")
                return 0
            fi
            ;;
    esac
    # bash before 5.1 runs only element 0 of an array, which is the string.
    # shellcheck disable=SC2178,SC2128
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}$__falenv_prompt_command
}

# Remove the hook, functions, completion, segment and variables.
__falenv_remove() {
    local _falenv_i _falenv_a IFS=$' \n'
    __falenv_attributes PROMPT_COMMAND _falenv_a
    # shellcheck disable=SC2178,SC2128
    case $_falenv_a in
        *r*) ;;
        *a*)
            for _falenv_i in "${!PROMPT_COMMAND[@]}"; do
                if [[ ${PROMPT_COMMAND[_falenv_i]} == "$__falenv_prompt_command" ]]; then
                    \builtin unset "PROMPT_COMMAND[$_falenv_i]"
                else
                    PROMPT_COMMAND[_falenv_i]=${PROMPT_COMMAND[_falenv_i]/$'\n'"$__falenv_prompt_command"/}
                fi
            done
            ;;
        *)
            PROMPT_COMMAND=${PROMPT_COMMAND/$'\n'"$__falenv_prompt_command"/}
            PROMPT_COMMAND=${PROMPT_COMMAND/"$__falenv_prompt_command"/}
            if [[ -z $PROMPT_COMMAND ]]; then
                \builtin unset PROMPT_COMMAND
            fi
            ;;
    esac
    if [[ -n ${PS1+set} ]]; then
        PS1=${PS1/"$__falenv_ps1"/}
    fi
    \builtin complete -r fal falenv 2>/dev/null
    \builtin unset -f fal falenv falenv_prompt
    # The aliases last: bash would expand them in the names of the functions.
    \builtin eval "$__falenv_completions_kept"$'\n'"$__falenv_functions$__falenv_aliases"
    # shellcheck disable=SC2046  # names, one a line
    \builtin unset -f $(\builtin compgen -A function __falenv_)
    # shellcheck disable=SC2086
    \builtin unset ${!__falenv_@}
}

# The first TAB replaces this function by the completions, so that a start does not wait for them.
__falenv_complete() {
    \builtin source "$__falenv_completions" && __falenv_complete "$@"
} 2>/dev/null

# Run the user's alias or function `fal`, or else the official CLI. Inside the alias, `fal` is what it
# was without the alias.
__falenv_hand_over() {
    if [[ -z ${__falenv_in_alias-} ]] && \builtin declare -F __falenv_alias_fal >/dev/null; then
        local __falenv_in_alias=yes
        __falenv_alias_fal "$@"
    elif \builtin declare -F __falenv_users_fal >/dev/null; then
        __falenv_users_fal "$@"
    else
        "$__falenv_exe" -- "$@"
    fi
}

# This removes aliases, which bash would expand in the definitions below.
__falenv_guarded __falenv_load

# Some tools copy only functions whose names begin with a letter into another shell. Without the other
# functions, or without the program, this is the plain command.
fal() {
    if [[ ! -x ${__falenv_exe-} ]] || ! \builtin declare -F __falenv_guarded >/dev/null; then
        \builtin command fal "$@"
        return
    fi
    case ${1-} in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_profile "$@"
            ;;
        *) __falenv_hand_over "$@" ;;
    esac
}
falenv() {
    if [[ ! -x ${__falenv_exe-} ]] || ! \builtin declare -F __falenv_guarded >/dev/null; then
        \builtin command falenv "$@"
        return
    fi
    case ${1-} in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_profile "$@"
            ;;
        *) "$__falenv_exe" "$@" ;;
    esac
}
