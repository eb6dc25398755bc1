# shellcheck shell=bash
# falenv's integration for bash, 3.2 and later.
#
# Read after a prelude of assignments: __falenv_exe (our program), __falenv_vars (the variables
# that we set, separated by spaces), __falenv_segment_off (yes, or empty). The state follows it:
# the exports, __falenv_name (the active profile), __falenv_id (the part before the colon of the
# key that we set), __falenv_store, __falenv_index, __falenv_seen (the index's first line as last
# followed), and a call of __falenv_settle.
#
# Every name begins with __falenv_, but for the function fal. No variable holds a key, but for
# __falenv_old_*: what the user had before we came, to be given back. `\builtin` reaches
# past the user's own aliases and functions. `test` compares names: [[ ]] would take Me for me
# where the user has set nocasematch.
# shellcheck disable=SC2154

# --- What was there before -----------------------------------------------------------------------

# Print a variable's attributes, as `declare` has them: x is exported, r read-only, a an array. Or
# assign them to variable $2, which takes no subshell, but in old versions and odd cases.
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
    if [[ -n ${2-} ]]; then
        \builtin printf -v "$2" %s "$__falenv_d"
    else
        \builtin printf %s "$__falenv_d"
    fi
}

# Remember variables as they are: exported, set or unset.
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

# Give variables back as they were.
__falenv_give_back() {
    local __falenv_v __falenv_w
    for __falenv_v in "$@"; do
        __falenv_w=__falenv_was_$__falenv_v
        case ${!__falenv_w-} in
            exported) \builtin eval "\\builtin export $__falenv_v=\"\$__falenv_old_$__falenv_v\"" ;;
            set) \builtin eval "\\builtin unset $__falenv_v; $__falenv_v=\$__falenv_old_$__falenv_v" ;;
            unset) \builtin unset "$__falenv_v" ;;
        esac
    done
}

# A pin that the user has set or taken away since we looked is his, and to be given back.
__falenv_keep_pin() {
    if ! \builtin test "${FAL_PROFILE-}" = "$__falenv_pin"; then
        __falenv_keep FAL_PROFILE
    fi
}

# --- Following the store -------------------------------------------------------------------------

# Called at the end of every state: what the shell was like when it was applied.
__falenv_settle() {
    __falenv_pin=${FAL_PROFILE-}
    __falenv_marked=${FALENV_PROFILE-}
    __falenv_where=${FAL_CONFIG_PATH-}:${HOME-}
}

# Does what says where the store lies still say the same?
__falenv_is_here() {
    \builtin test "${FAL_CONFIG_PATH-}:${HOME-}" = "$__falenv_where"
}

# Is FAL_KEY still the one that we set, and not one set by hand since?
__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [[ -z $__falenv_id ]] ;;
        *:*) \builtin test "${FAL_KEY%%:*}" = "$__falenv_id" ;;
        *) [[ $__falenv_id == - ]] ;;
    esac
}

# Does the index still begin with line $1, and the store have the time that the index has?
__falenv_unchanged() {
    local __falenv_head=
    { IFS= \builtin read -r __falenv_head < "$__falenv_index"; } 2>/dev/null
    [[ -n $1 ]] && \builtin test "$__falenv_head" = "$1" || return 1
    case $1 in
        '- '*) [[ ! -e $__falenv_store ]] ;;
        *)
            [[ -e $__falenv_store && ! $__falenv_store -nt $__falenv_index &&
                ! $__falenv_store -ot $__falenv_index ]]
            ;;
    esac
}

# Make this shell's environment that of the active profile, with pin $1 (empty: none), by
# builtins: the index says on which line of the store the key stands. Fails, with nothing done,
# where only a process can tell, or has to say that profile $2 (empty: none) is gone.
__falenv_read() {
    local __falenv_head __falenv_want __falenv_line __falenv_entry __falenv_text='' __falenv_n=''
    local __falenv_was=${2-}
    [[ -n $__falenv_index ]] && __falenv_is_here || return 1
    {
        IFS= \builtin read -r __falenv_head || return 1
        __falenv_want=${1:-${__falenv_head#* }}
        while IFS=' ' \builtin read -r __falenv_line __falenv_entry; do
            if \builtin test "$__falenv_entry" = "$__falenv_want"; then
                __falenv_n=$__falenv_line
            fi
            if \builtin test "$__falenv_entry" = "$__falenv_was"; then
                __falenv_was=
            fi
        done
    } 2>/dev/null < "$__falenv_index" || return 1
    [[ $__falenv_n == [1-9]* && -z $__falenv_was ]] || return 1
    {
        while ((__falenv_n-- > 0)); do
            IFS= \builtin read -r __falenv_text || return 1
        done
    } 2>/dev/null < "$__falenv_store" || return 1
    [[ $__falenv_text == key*\"*\"* ]] || return 1
    __falenv_unchanged "$__falenv_head" || return 1
    __falenv_text=${__falenv_text#*\"}
    __falenv_text=${__falenv_text%%\"*}

    local IFS=' '
    # shellcheck disable=SC2086  # a list of names
    \builtin unset $__falenv_vars
    # shellcheck disable=SC2034  # a prompt's
    \builtin export FAL_KEY="$__falenv_text" FALENV_PROFILE="$__falenv_want"
    __falenv_name=$__falenv_want
    __falenv_seen=$__falenv_head
    case $__falenv_text in
        *:*) __falenv_id=${__falenv_text%%:*} ;;
        *) __falenv_id=- ;;
    esac
}

# Print the state by a process, for pin $1.
__falenv_state() {
    FAL_PROFILE=$1 "$__falenv_exe" profile env --shell bash --refresh "${@:2}" </dev/null
}

# Follow what changed: a `switch` made here, which takes over a key set by hand too, or a `change`
# made elsewhere. Without any state there is nothing to follow any more, unless the process was
# interrupted (130).
__falenv_follow() {
    local __falenv_out __falenv_code __falenv_left=
    __falenv_keep_pin
    if [[ $1 == change ]]; then
        __falenv_owns_key || return 0
        __falenv_left=$__falenv_name
    fi
    if __falenv_read "${FAL_PROFILE-}" "$__falenv_left"; then
        __falenv_settle
        return 0
    fi
    __falenv_out=$(__falenv_state "${FAL_PROFILE-}" --was "$__falenv_left")
    __falenv_code=$?
    if [[ -n $__falenv_out ]]; then
        \builtin eval "$__falenv_out"
    elif ((__falenv_code != 130)); then
        __falenv_index=
    fi
}

# Follow a change made elsewhere, if there was one.
__falenv_check() {
    if [[ -n $__falenv_index ]] && ! __falenv_unchanged "$__falenv_seen"; then
        __falenv_follow change
    fi
}

# Before each prompt: comparisons, and nothing else while nothing changed.
__falenv_precmd() {
    if [[ ! -x $__falenv_exe ]]; then
        \builtin printf 'falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more\n' \
            "$__falenv_exe" >&2
        __falenv_remove
        return
    fi
    # FALENV_PROFILE changes where direnv, say, puts back all the variables that it had seen.
    if ! \builtin test "${FAL_PROFILE-}:${FALENV_PROFILE-}" = "$__falenv_pin:$__falenv_marked" ||
        ! __falenv_is_here; then
        __falenv_follow switch
    else
        __falenv_check
    fi
    __falenv_show
}

# --- Beginning without a process -----------------------------------------------------------------

# In the place of a state at the end of the file that start-up files read. __falenv_store,
# __falenv_index and __falenv_where are set as they were when that was written, $__falenv_cached;
# where they do not hold any more, or do not suffice, a process tells, and writes it anew.
__falenv_begin() {
    __falenv_calmly __falenv_start || :
}

__falenv_start() {
    local __falenv_out __falenv_code
    if __falenv_read "${FAL_PROFILE-}"; then
        __falenv_settle
        return
    fi
    __falenv_out=$(__falenv_state "${FAL_PROFILE-}" --cache "$__falenv_cached")
    __falenv_code=$?
    if [[ -n $__falenv_out ]]; then
        \builtin eval "$__falenv_out"
    elif ((__falenv_code != 130)); then
        __falenv_index=
    fi
}

# --- The prompt ----------------------------------------------------------------------------------

# PS1 names variables, whose values bash does not expand again; \[ \] must stand in PS1 itself.
# shellcheck disable=SC2016
__falenv_ps1='\[${__falenv_style-}\]${__falenv_segment-}\[${__falenv_plain-}\]'

# Put the active profile before the prompt, where it is wanted and the prompt is the user's own.
__falenv_show() {
    __falenv_segment='' __falenv_style='' __falenv_plain=''
    if [[ -z $__falenv_name || -n $__falenv_segment_off || ${FALENV_PROMPT-} == off ]]; then
        return 0
    fi
    \builtin shopt -q promptvars || return 0
    \builtin declare -F starship_precmd >/dev/null && return 0
    case ${PS1-} in
        *"$__falenv_ps1"*) ;;
        *) PS1=$__falenv_ps1${PS1-} ;;
    esac
    __falenv_segment="(fal:${__falenv_name//[[:cntrl:]]/?}${FAL_PROFILE:+*}) "
    if [[ -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
        __falenv_style=$'\e[2m' __falenv_plain=$'\e[22m'
    fi
}

# --- The command ---------------------------------------------------------------------------------

# Run "$@" with the options off that would end the shell at a false test (-e, -u), export what we
# keep (-a), show a key (-v, -x), or run the user's DEBUG and ERR traps in here (-T, -E). Names
# with one underscore: `off` unsets all that begin with two while this runs.
__falenv_calmly() {
    { local _falenv_status _falenv_flags=$-; } 2>/dev/null
    # From bash 4.4 on this restores the options even after Ctrl-C.
    { local - || :; \builtin set +aeuvxET; } 2>/dev/null
    "$@"
    _falenv_status=$?
    _falenv_flags=${_falenv_flags//[!aeuvxET]/}
    if [[ -n $_falenv_flags ]]; then
        \builtin set "-$_falenv_flags"
    fi
    return "$_falenv_status"
}

# PROMPT_COMMAND's part: what comes after it, and the next command, see the $? from before it.
__falenv_hook() {
    local _falenv_before=$?
    __falenv_calmly __falenv_precmd || :
    return "$_falenv_before"
}

# Run our program, telling it what a change means here: `live`, or, in a subshell, whose variables
# nobody will see, `later`: at the next prompt, where there is one that follows.
__falenv_program() {
    local __falenv_mark=live
    if ((BASH_SUBSHELL)); then
        __falenv_mark=
        case $- in *i*) __falenv_owns_key && __falenv_mark=later ;; esac
    fi
    __falenv_shell=$__falenv_mark "$__falenv_exe" profile "$@"
}

# use NAME, use -, use --default: pin this shell, go back, or follow the default. Whatever is not
# that is for the program to explain.
__falenv_use() {
    local __falenv_to __falenv_out __falenv_clear=yes
    case $#:${1-} in
        1:--default) __falenv_to= ;;
        1:-) __falenv_to=${__falenv_before-} __falenv_clear=${__falenv_before+yes} ;;
        1:-* | 1:) __falenv_clear= ;;
        1:*) __falenv_to=$1 ;;
        2:--) __falenv_to=$2 __falenv_clear=${2:+yes} ;;
        *) __falenv_clear= ;;
    esac
    if [[ -z $__falenv_clear ]]; then
        __falenv_program use "$@"
        return
    fi
    __falenv_keep_pin
    if ! __falenv_read "$__falenv_to"; then
        __falenv_out=$(__falenv_state "$__falenv_to") || return
        \builtin eval "$__falenv_out"
    fi
    __falenv_before=${FAL_PROFILE-}
    if [[ -n $__falenv_to ]]; then
        \builtin export FAL_PROFILE="$__falenv_to"
    else
        \builtin unset FAL_PROFILE
    fi
    __falenv_settle
}

# Take falenv out of this shell, and give back what was there.
__falenv_off() {
    local IFS=' '
    __falenv_keep_pin
    # shellcheck disable=SC2086  # lists of names
    if __falenv_owns_key; then
        __falenv_give_back $__falenv_vars FAL_PROFILE
    else
        __falenv_give_back ${__falenv_vars#FAL_KEY } FAL_PROFILE
    fi
    __falenv_remove
}

__falenv_profile() {
    local __falenv_code
    case $#:${1-} in
        1:off) __falenv_off ;;
        *:use)
            \builtin shift
            __falenv_use "$@"
            ;;
        *)
            __falenv_program "$@"
            __falenv_code=$?
            case $__falenv_code:${1-} in
                0:set | 0:unset | 0:create) __falenv_follow switch ;;
                *) __falenv_check ;;
            esac
            return "$__falenv_code"
            ;;
    esac
}

# --- Installing, once however often this is read -------------------------------------------------

# What stands in PROMPT_COMMAND does nothing in a child shell that inherits it, and the $? that it
# hands on (`&&` leaves it) neither ends a shell with -e nor runs the user's ERR trap once more.
# shellcheck disable=SC2016
__falenv_prompt_command='"${__falenv_run:-:}" && :'

# Keep what is ours to give back, and put the hook in.
__falenv_load() {
    if [[ ${__falenv_loaded-} != "$$" ]]; then
        # Asked first whether there is anything to print, which takes no subshell.
        __falenv_fal='' __falenv_completion=''
        if \builtin alias fal >/dev/null 2>&1; then
            __falenv_fal=$(\builtin alias fal)
            __falenv_fal="\builtin alias ${__falenv_fal#alias }"  # POSIX mode leaves the word out
        elif \builtin declare -F fal >/dev/null; then
            __falenv_fal=$(\builtin declare -f fal)
        fi
        if \builtin complete -p fal >/dev/null 2>&1; then
            __falenv_completion=$(\builtin complete -p fal)
        fi
        # Our own from bash-completion's folder is loaded again when it is wanted.
        case $__falenv_completion in *' __falenv_complete '*) __falenv_completion= ;; esac
        local IFS=' '
        # shellcheck disable=SC2086  # a list of names
        __falenv_keep $__falenv_vars FAL_PROFILE
        __falenv_loaded=$$
    else
        __falenv_keep_pin
    fi
    \builtin unalias fal 2>/dev/null
    case $- in
        *i*)
            __falenv_run=__falenv_hook
            __falenv_install
            ;;
    esac
}

# Add the hook behind the others, since direnv's, which changes what we look at, goes in front. A
# newline separates whatever the string ends in.
__falenv_install() {
    case "${PROMPT_COMMAND[*]-}" in *"$__falenv_prompt_command"*) return 0 ;; esac
    local __falenv_a
    __falenv_attributes PROMPT_COMMAND __falenv_a
    case $__falenv_a in
        *r*)
            \builtin printf 'falenv: PROMPT_COMMAND is read-only, so this shell %s\n' \
                'follows only what is switched in it' >&2
            return 0
            ;;
        *a*)
            if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] > 0))); then
                PROMPT_COMMAND+=("$__falenv_prompt_command")
                return 0
            fi
            ;;
    esac
    # Element 0 is the string, where it is an array that this bash does not run as one.
    # shellcheck disable=SC2178,SC2128
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}$__falenv_prompt_command
}

# Take our hook, functions, completion, segment and variables out again.
__falenv_remove() {
    local _falenv_i IFS=$' \n'
    # shellcheck disable=SC2178,SC2128
    case $(__falenv_attributes PROMPT_COMMAND) in
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
    \builtin unset -f fal
    \builtin eval "$__falenv_completion"$'\n'"$__falenv_fal"
    # shellcheck disable=SC2046  # names, one a line
    \builtin unset -f $(\builtin compgen -A function __falenv_)
    # shellcheck disable=SC2086
    \builtin unset ${!__falenv_@}
}

# Before the definition of the function, in which an alias of its name would be expanded.
__falenv_calmly __falenv_load

# Without our other functions (some tools carry over only those whose names begin with a letter)
# and without our program it is the plain command.
fal() {
    if [[ ! -x ${__falenv_exe-} ]] || ! \builtin declare -F __falenv_calmly >/dev/null; then
        \builtin command fal "$@"
        return
    fi
    case ${1-} in
        profile | profiles)
            \builtin shift
            __falenv_calmly __falenv_profile "$@"
            ;;
        *) "$__falenv_exe" "$@" ;;
    esac
}
