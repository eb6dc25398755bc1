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

# bash makes no local variable of a read-only one, set or not. The caller discards the message.
__falenv_is_readonly() {
    ! \builtin local "$1"
}

# Since bash 5.2, @a also tells of a variable that is not set.
__falenv_has_readonly() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 502)); then
        [[ ${FAL_KEY@a}${FAL_HOST@a}${FAL_RUN_HOST@a}${FAL_QUEUE_RUN_HOST@a} == *r* ||
            ${FAL_PROFILE@a}${FALENV_PROFILE@a}${FALENV_KEY_ID@a}${FALENV_MARK@a} == *r* ||
            ${FAL_KEY_ID@a}${FAL_KEY_SECRET@a}${FAL_FORCE_AUTH_BY_USER@a}${FAL_GRPC_HOST@a} == *r* ||
            ${FAL_REST_HOST@a}${FAL_WS_RUN_HOST@a} == *r* ||
            ${ISOLATE_AUTH_DISABLED@a}${ISOLATE_TEST_MODE@a} == *r* ]]
    else
        \builtin eval "! \\builtin local $__falenv_vars FAL_PROFILE" 2>/dev/null
    fi
}

__falenv_read_clock() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin printf -v __falenv_clock '%(%s)T' -1
    else
        __falenv_clock=$(/bin/date +%s)
    fi
}

__falenv_in_subshell() {
    ((BASH_SUBSHELL))
}

# In a start-up file the last element is the path of that file.
__falenv_is_typed() {
    case $-:${BASH_SOURCE[${#BASH_SOURCE[@]} - 1]} in *i*:main | *i*:) ;; *) return 1 ;; esac
}

# Run "$@" without the options that would end the shell at a false test (-e, -u), export our
# variables (-a), take the assignment away from `export NAME=value`, which then prints the environment
# (-k), print a key (-v, -x), run the user's DEBUG and ERR traps in here (-T, -E) or change what a
# pattern matches. The locals have one underscore, because `off` unsets all names that begin with two
# while this function runs.
__falenv_guarded() {
    case $- in
        *r*)
            __falenv_restrict
            return 1
            ;;
    esac
    {
        local _falenv_status _falenv_flags _falenv_shopt _falenv_on
        _falenv_flags=$-
        # Since bash 4.4, `local -` restores the options even after Ctrl-C.
        local - || :
        \builtin set +aefkuvxET
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
    _falenv_flags=${_falenv_flags//[!aefkuvxET]/}
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
        ${FAL_PROFILE-}:${FALENV_PROFILE-}:${FALENV_KEY_ID-}:${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_around" &&
        ${FAL_KEY%%:*}:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-} == "$__falenv_payer" &&
        ${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}${FAL_GRPC_HOST+x} == "$__falenv_rivals_a" &&
        ${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x} == "$__falenv_rivals_b" &&
        ${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-} == "$__falenv_styled" ]] || return 1
    [[ ${PWD-} == "$__falenv_pwd" && -z $__falenv_seen && -z $__falenv_f9 &&
        ! -e $__falenv_f1 && ! -e $__falenv_f2 && ! -e $__falenv_f3 && ! -e $__falenv_f4 &&
        ! -e $__falenv_f5 && ! -e $__falenv_f6 && ! -e $__falenv_f7 && ! -e $__falenv_f8 ]] ||
        __falenv_find_links
    # As __falenv_is_fresh, without a call where there is a store. To bash, a missing store is older.
    [[ -z $__falenv_moved$__falenv_dotenv && $__falenv_index != */none-* && -e $__falenv_index &&
        ! $__falenv_store -nt $__falenv_index && ! $__falenv_store -ot $__falenv_index ]] ||
        { [[ -z $__falenv_moved$__falenv_dotenv ]] && __falenv_is_fresh "$__falenv_index"; } ||
        return 1
    case ${PS1-} in *"$__falenv_shows"*) ;; *) return 1 ;; esac
    # The option decides in which form PS1 shows the segment.
    \builtin shopt -q promptvars || [[ $__falenv_literal == "$__falenv_shows" ]]
}

# Runs from PROMPT_COMMAND. The hooks after it and the next command see the $? from before it. Not by way
# of `local`, whose assignment -k would take away.
__falenv_hook() {
    \builtin set -- "$?"
    # The last of these is the number of lines that the shell has read: see __falenv_mend.
    __falenv_line=${BASH_LINENO[*]}
    # Without the options that __falenv_guarded turns off, the comparisons need no guard.
    case $- in
        *[aekruvxET]*) __falenv_guarded __falenv_catch_up || : ;;
        *) __falenv_idle || __falenv_guarded __falenv_catch_up || : ;;
    esac
    case $1 in 0) ;; *) ! __falenv_is_joined || return 0 ;; esac
    return "$1"
}

# Run the user's hook "$@", then falenv's. A command of its own for falenv would run the user's DEBUG
# trap again behind that hook, and a timer which ends there would start at the prompt.
__falenv_hook_after() {
    "$@"
    \builtin set -- "$?"
    __falenv_hook && :
    return "$1"
}

# --- The prompt -----------------------------------------------------------------------------------

# PS1 names variables, because bash does not expand their values again. \[ and \] work only in PS1
# itself.
# shellcheck disable=SC2016
__falenv_ps1='\[${__falenv_style-}\]${__falenv_segment-}\[${__falenv_plain-}\]'

# For the user's own PS1, in single quotes: '$(falenv_prompt)\$ '. Print the active profile in format
# $1, else in that of FALENV_PROMPT, else in the default one. The rest of PS1 sees the $? from before.
falenv_prompt() {
    \builtin set -- "$?" "${1-}"
    local __falenv_filled __falenv_form
    __falenv_form=${FALENV_PROMPT:-$__falenv_format}
    [[ $__falenv_form != off ]] || __falenv_form=$__falenv_format
    __falenv_fill "${2:-$__falenv_form}"
    \builtin printf '%s' "$__falenv_filled"
    return "$1"
}

# Put the segment in front of the prompt, unless another program draws the prompt, the user places the
# segment, or PS1 is read-only. __falenv_shows is what PS1 contains then.
__falenv_show() {
    local __falenv_filled='' __falenv_style_now='' __falenv_plain_now=''
    __falenv_hide
    if [[ -z $__falenv_name || -n $__falenv_segment_off || ${FALENV_PROMPT-} == off ]]; then
        return 0
    fi
    # starship and oh-my-posh draw the whole prompt. falenv_prompt in PS1 has its own place.
    ! \builtin declare -F starship_precmd >/dev/null &&
        ! \builtin declare -F _omp_hook >/dev/null || return 0
    case ${PS1-} in *falenv_prompt*) return 0 ;; esac
    __falenv_fill "${FALENV_PROMPT:-$__falenv_format}"
    if [[ -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
        __falenv_style_now=$'\e['"${__falenv_sgr}m" __falenv_plain_now=$'\e[22;39m'
    fi
    if ! \builtin shopt -q promptvars; then
        __falenv_show_literal
        return 0
    fi
    case ${PS1-} in
        *__falenv_segment*) ;;
        *)
            ! __falenv_is_readonly PS1 2>/dev/null || return 0
            PS1=$__falenv_ps1${PS1-}
            ;;
    esac
    __falenv_segment=$__falenv_filled __falenv_shows=__falenv_segment
    __falenv_style=$__falenv_style_now __falenv_plain=$__falenv_plain_now
}

# Without promptvars, bash expands no variable in PS1, so the text itself goes there. A program such as
# liquidprompt may switch the option on again before falenv looks: the text has nothing to expand.
__falenv_show_literal() {
    local __falenv_text="$__falenv_filled" __falenv_two=$'\\\\' __falenv_bang=$'\\041'
    ! __falenv_is_readonly PS1 2>/dev/null || return 0
    __falenv_text=${__falenv_text//\\/"$__falenv_two"}
    __falenv_text=${__falenv_text//[\$\`]/?}
    # In POSIX mode a plain `!` is the number of the command.
    __falenv_text=${__falenv_text//\!/"$__falenv_bang"}
    if [[ -n $__falenv_style_now ]]; then
        __falenv_text="\\[$__falenv_style_now\\]$__falenv_text\\[$__falenv_plain_now\\]"
    fi
    PS1=${PS1-}
    __falenv_literal=$__falenv_text __falenv_shows=$__falenv_text
    PS1=$__falenv_text${PS1/"$__falenv_ps1"/}
}

# Show no segment. With promptvars, its variables stay in PS1.
__falenv_hide() {
    __falenv_segment='' __falenv_style='' __falenv_plain='' __falenv_shows=''
    if [[ -n $__falenv_literal ]] && ! __falenv_is_readonly PS1 2>/dev/null; then
        PS1=${PS1-}
        PS1=${PS1/"$__falenv_literal"/}
    fi
    __falenv_literal=''
}

# --- Installing, once however often a shell reads this ---------------------------------------------

# The text in PROMPT_COMMAND does nothing in a child shell that inherits it. `&&` passes $? on without
# ending a shell with -e and without running the user's ERR trap a second time. Whatever another tool
# joins to its end runs: behind `;`, and also without a separator, since `_= history -a` is a command.
# shellcheck disable=SC2016
__falenv_prompt_command='"${__falenv_run:-:}" && _='
# The text in front of the user's last hook: see __falenv_hook_after. In a child shell it expands to
# nothing.
# shellcheck disable=SC2016
__falenv_prompt_word='${__falenv_after+"$__falenv_after"} '

# Remember what `off` restores, and install the hook.
__falenv_load() {
    \builtin set -- line literal shows in_ble told_hook told_restricted functions aliases completion \
        completions_kept
    # An array, because the environment cannot contain one.
    if [[ ${__falenv_loaded[1]-} != "$$" ]]; then
        __falenv_init new "$@"
        __falenv_keep_command falenv
        __falenv_completions_kept=$__falenv_completion
        __falenv_keep_command fal
        __falenv_completions_kept+=$'\n'$__falenv_completion
        __falenv_keep_all
        __falenv_loaded=('' "$$") # IFS could split a plain $$
    else
        __falenv_init again "$@"
        __falenv_keep_pin
    fi
    # Before version 5, bash compares whole seconds in -nt and -ot.
    ((BASH_VERSINFO[0] > 4)) || __falenv_seconds=yes
    \builtin complete -F __falenv_complete fal falenv 2>/dev/null
    \builtin unalias fal falenv 2>/dev/null
    case $- in
        *i*)
            # Start-up files run without restrictions, so that `$-` does not show them yet.
            if \builtin shopt -q restricted_shell; then
                __falenv_restrict
            else
                __falenv_run=__falenv_hook __falenv_after=__falenv_hook_after
                __falenv_install
            fi
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

# True if PROMPT_COMMAND contains the hook, or if ble.sh calls it.
__falenv_is_installed() {
    case "${PROMPT_COMMAND[*]-}" in
        *"$__falenv_prompt_command"* | *"$__falenv_prompt_word"*) ;;
        *) [[ -n ${BLE_VERSION-} && -n $__falenv_in_ble ]] ;;
    esac
}

# Add the hook behind the others: direnv's hook goes in front, and changes what this one looks at.
__falenv_install() {
    local __falenv_a='' __falenv_i=0 __falenv_text='' __falenv_last=''
    ! __falenv_is_installed || return 0
    # ble.sh keeps PROMPT_COMMAND to itself while it is attached.
    if [[ -n ${BLE_VERSION-} ]] && \builtin declare -F blehook >/dev/null; then
        blehook PRECMD!=__falenv_hook
        __falenv_in_ble=yes
        return 0
    fi
    __falenv_attributes PROMPT_COMMAND __falenv_a
    case $__falenv_a in
        *r*)
            \builtin printf '%s\n' "$__falenv_readonly_hook" >&2
            return 0
            ;;
        *a*)
            # bash before 5.1 runs only element 0 of an array, which is the string.
            if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] > 0))); then
                for __falenv_i in "${!PROMPT_COMMAND[@]}"; do
                    if __falenv_put_before_preexec "${PROMPT_COMMAND[__falenv_i]}"; then
                        PROMPT_COMMAND[__falenv_i]=$__falenv_text
                        return 0
                    fi
                done
                if __falenv_put_before_last "${PROMPT_COMMAND[__falenv_i]-}"; then
                    PROMPT_COMMAND[__falenv_i]=$__falenv_text
                else
                    PROMPT_COMMAND+=("$__falenv_prompt_command")
                fi
                return 0
            fi
            ;;
    esac
    # shellcheck disable=SC2128
    __falenv_put_before_preexec "${PROMPT_COMMAND-}" ||
        __falenv_put_before_last "${PROMPT_COMMAND-}" ||
        __falenv_text=${PROMPT_COMMAND-}$'\n'"$__falenv_prompt_command "
    # shellcheck disable=SC2178
    PROMPT_COMMAND=$__falenv_text
}

# Assign hooks $1 with falenv's in front of the end of bash-preexec to __falenv_text. Return 1 without
# bash-preexec. To that, any command behind its end is one that the user has typed.
__falenv_put_before_preexec() {
    local __falenv_end=''
    for __falenv_end in "${__bp_install_string:-__bp_install}" __bp_interactive_mode; do
        case $1 in
            *"$__falenv_end"*)
                __falenv_text=${1%%"$__falenv_end"*}
                __falenv_text=$__falenv_text$__falenv_prompt_command$'\n'${1#"$__falenv_text"}
                return 0
                ;;
        esac
    done
    return 1
}

# Assign hooks $1 with falenv's word in front of the last command to __falenv_text. Return 1 unless that
# is surely the start of a command: a function or `unset`, with plain arguments.
__falenv_put_before_last() {
    local __falenv_all="${1%"${1##*[!$'; \t\n']}"}" __falenv_word=''
    local __falenv_last="${__falenv_all##*[$';\n']}"
    local __falenv_head="${__falenv_all%"$__falenv_last"}"
    __falenv_last=${__falenv_last#"${__falenv_last%%[! $'\t']*}"}
    case $__falenv_last in '' | *[!-[:alnum:]_./:,+@%\ ]*) return 1 ;; esac
    case $__falenv_all in *'#'* | *'<<'* | *\\*) return 1 ;; esac
    # A command may go on in the next line.
    case ${__falenv_head%"${__falenv_head##*[!$' \t\n']}"} in *[\&\|]) return 1 ;; esac
    __falenv_word=${__falenv_last%% *}
    [[ $__falenv_word == unset ]] || \builtin declare -F "$__falenv_word" >/dev/null || return 1
    ! \builtin alias "$__falenv_word" >/dev/null 2>&1 || return 1
    __falenv_text=${__falenv_all%"$__falenv_last"}$__falenv_prompt_word
    __falenv_text=$__falenv_text$__falenv_last${1#"$__falenv_all"}
}

# True if a tool has joined text to the hook without a separator. That would not run after a command that
# has failed. Separate it for the next prompt.
__falenv_is_joined() {
    # shellcheck disable=SC2128
    case ${PROMPT_COMMAND-} in *"$__falenv_prompt_command "[!$' \t\n;&|']*) ;; *) return 1 ;; esac
    __falenv_guarded __falenv_separate
}
__falenv_separate() {
    ! __falenv_is_readonly PROMPT_COMMAND 2>/dev/null || return 0
    # shellcheck disable=SC2128,SC2178
    PROMPT_COMMAND=${PROMPT_COMMAND%%"$__falenv_prompt_command"*}$__falenv_prompt_command$'\n'${PROMPT_COMMAND#*"$__falenv_prompt_command "}
}

# A tool may have assigned PROMPT_COMMAND since. Add the hook again, and say so once. A tool may also have
# moved the hook to where it runs, so trust PROMPT_COMMAND only if the last prompt went without it.
__falenv_mend() {
    if ((BASH_SUBSHELL)) || [[ -z ${__falenv_run-} ]] || __falenv_is_installed ||
        __falenv_is_readonly PROMPT_COMMAND 2>/dev/null; then
        return 0
    fi
    if [[ -z $__falenv_line ]] ||
        ((${BASH_LINENO[${#BASH_LINENO[@]} - 1]} > ${__falenv_line##*[!0-9]} + 1)); then
        __falenv_install
        if [[ -z $__falenv_told_hook ]]; then
            \builtin printf '%s\n' "$__falenv_replaced_hook" >&2
            __falenv_told_hook=yes
        fi
    fi
}

# Run `fal profile …`, with the hook in its place.
__falenv_mended() {
    __falenv_mend
    __falenv_profile "$@"
}

# A restricted shell can neither run the program nor redirect to a file. Stop following, and say so once.
__falenv_restrict() {
    if [[ -z $__falenv_told_restricted ]]; then
        __falenv_told_restricted=yes
        __falenv_hide
        \builtin unset -v __falenv_run __falenv_after
        case $- in *i*) \builtin printf '%s\n' "$__falenv_restricted" >&2 ;; esac
    fi
}

# Assign hooks $1 without falenv's to __falenv_text. Text that was joined to it stays a command: `:` keeps
# the place of the hook.
__falenv_without_hook() {
    local __falenv_head='' __falenv_tail=''
    __falenv_text=${1/"$__falenv_prompt_word"/}
    __falenv_text=${__falenv_text%$'\n'"$__falenv_prompt_command"}
    __falenv_text=${__falenv_text%$'\n'"$__falenv_prompt_command "}
    while [[ $__falenv_text == *"$__falenv_prompt_command"* ]]; do
        __falenv_head=${__falenv_text%%"$__falenv_prompt_command"*}
        __falenv_tail=${__falenv_text#*"$__falenv_prompt_command"}
        __falenv_tail=${__falenv_tail#"${__falenv_tail%%[! $'\t']*}"}
        case ${__falenv_head//[$' \t\n']/}:$__falenv_tail in
            : | ':;' | :$'\n') __falenv_text= ;;
            ':;'[!';']*) __falenv_text=${__falenv_tail#;} ;;
            *:[!$'\n;&|)']*) __falenv_text=$__falenv_head$__falenv_tail ;;
            *) __falenv_text="$__falenv_head:$__falenv_tail" ;;
        esac
    done
}

# Remove the hook, functions, completion, segment and variables.
__falenv_remove() {
    local _falenv_i _falenv_a __falenv_text='' IFS=$' \n'
    if [[ -n $__falenv_in_ble ]]; then
        blehook PRECMD-=__falenv_hook
    fi
    __falenv_attributes PROMPT_COMMAND _falenv_a
    # shellcheck disable=SC2178,SC2128
    case $_falenv_a in
        *r*) ;;
        *a*)
            for _falenv_i in "${!PROMPT_COMMAND[@]}"; do
                __falenv_without_hook "${PROMPT_COMMAND[_falenv_i]}"
                if [[ -z $__falenv_text && -n ${PROMPT_COMMAND[_falenv_i]} ]]; then
                    \builtin unset "PROMPT_COMMAND[$_falenv_i]"
                else
                    PROMPT_COMMAND[_falenv_i]=$__falenv_text
                fi
            done
            ;;
        *)
            __falenv_without_hook "${PROMPT_COMMAND-}"
            PROMPT_COMMAND=$__falenv_text
            if [[ -z $PROMPT_COMMAND ]]; then
                \builtin unset PROMPT_COMMAND
            fi
            ;;
    esac
    __falenv_hide
    if [[ -n ${PS1+set} ]] && ! __falenv_is_readonly PS1 2>/dev/null; then
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
        local __falenv_in_alias
        __falenv_in_alias=yes
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
    if [[ ! -x ${__falenv_exe-} || $- == *r* ]] || ! \builtin declare -F __falenv_guarded >/dev/null; then
        \builtin command fal "$@"
        return
    fi
    case ${1-} in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_mended "$@"
            ;;
        *)
            __falenv_guarded __falenv_mend
            __falenv_hand_over "$@"
            ;;
    esac
}
falenv() {
    if [[ ! -x ${__falenv_exe-} || $- == *r* ]] || ! \builtin declare -F __falenv_guarded >/dev/null; then
        \builtin command falenv "$@"
        return
    fi
    case ${1-} in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_mended "$@"
            ;;
        *)
            __falenv_guarded __falenv_mend
            "$__falenv_exe" "$@"
            ;;
    esac
}
