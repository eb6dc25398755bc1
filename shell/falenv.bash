# shellcheck shell=bash
# falenv's integration for bash, 3.2 and later.
#
# Read after a prelude of assignments: __falenv_exe (our program), __falenv_vars (the variables
# that we set, separated by spaces), __falenv_completions (the file that TAB reads), __falenv_notes
# (the folder that says which .fal-profile files are allowed), __falenv_segment_off (yes, or empty),
# __falenv_format (the segment's, with {name}, {mark} and {why}), __falenv_mark_pin and
# __falenv_mark_folder (the marks). The state follows it: the exports,
# __falenv_name (the active profile), __falenv_shown (that name, fit for a terminal), __falenv_why
# (pin, folder, default or none), __falenv_sgr (its colour), __falenv_id (the part before the colon
# of the key that we set), __falenv_store, __falenv_index (the file, as last followed; empty where
# there is none, and nothing is followed), and a call of __falenv_note_state.
#
# Every name begins with __falenv_, but for the functions fal and falenv_prompt. No variable holds
# a key, but for __falenv_old_*: what the user had before we came, to be given back. `\builtin`
# reaches past the user's own aliases and functions. All but __falenv_idle and what it calls runs
# under __falenv_guarded, or in a state, where nothing depends on the user's options.
# shellcheck disable=SC2154

# --- What was there before -----------------------------------------------------------------------

# Assign the attributes of variable $1 to variable $2, as `declare` has them: x is exported, r
# read-only, a an array. It takes no subshell, but in old versions and odd cases.
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
__falenv_restore() {
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
    if [[ ${FAL_PROFILE-} != "$__falenv_pin" ]]; then
        __falenv_keep FAL_PROFILE
    fi
}

# --- Following the store and the folder ----------------------------------------------------------

# Called at the end of every state: what the shell was like when it was applied.
__falenv_note_state() {
    __falenv_pin=${FAL_PROFILE-}
    # FALENV_PROFILE changes where direnv, say, puts back all the variables that it had seen.
    __falenv_marked=${FALENV_PROFILE-}
    __falenv_where=${FAL_CONFIG_PATH-}:${HOME-}
    __falenv_around=
    if [[ -z ${__falenv_pwd+set} ]]; then
        __falenv_find_link
    fi
    __falenv_moved=
}

# Does what says where the store lies still say the same?
__falenv_same_store() {
    [[ ${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_where" ]]
}

# Is FAL_KEY still the one that we set, and not one set by hand since?
__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [[ -z $__falenv_id ]] ;;
        *:*) [[ ${FAL_KEY%%:*} == "$__falenv_id" ]] ;;
        *) [[ $__falenv_id == - ]] ;;
    esac
}

# Is index $1 there, and that of the store as it is? The name of a missing store's says so.
__falenv_is_fresh() {
    case $1 in
        */none-*) [[ -e $1 && ! -e $__falenv_store ]] ;;
        *) [[ -e $__falenv_store && ! $__falenv_store -nt $1 && ! $__falenv_store -ot $1 ]] ;;
    esac
}

# May file $1 be relied on: is it the user's, in a folder of his? That nobody else can write there
# our program sees to.
__falenv_is_ours() {
    [[ -O ${1%/*} && -O $1 && -f $1 && -r $1 && ! -L $1 ]]
}

# Note the nearest .fal-profile, if it is not the one noted already, or has another text.
__falenv_find_link() {
    local __falenv_f='' __falenv_t='' __falenv_d=${PWD-}
    if [[ $__falenv_d != "${__falenv_pwd-}" ]]; then
        __falenv_pwd=$__falenv_d __falenv_links=()
        __falenv_d=${__falenv_d%/}/
        while [[ $__falenv_d == /* ]]; do
            __falenv_d=${__falenv_d%/*}
            __falenv_links+=("$__falenv_d/.fal-profile")
        done
        __falenv_f1=${__falenv_links[0]-} __falenv_f2=${__falenv_links[1]-}
        __falenv_f3=${__falenv_links[2]-} __falenv_f4=${__falenv_links[3]-}
        __falenv_f5=${__falenv_links[4]-} __falenv_f6=${__falenv_links[5]-}
        __falenv_f7=${__falenv_links[6]-} __falenv_f8=${__falenv_links[7]-}
    fi
    for __falenv_f in "${__falenv_links[@]}" ''; do
        if [[ -e $__falenv_f ]]; then
            # What has no name in it is not read to its end, and a FIFO not at all.
            [[ ! -f $__falenv_f || ! -r $__falenv_f ]] ||
                IFS= \builtin read -r -d '' -n 513 __falenv_t < "$__falenv_f"
            break
        fi
    done
    if [[ $__falenv_f:$__falenv_t != "${__falenv_link-}:${__falenv_text-}" ]]; then
        __falenv_link=$__falenv_f __falenv_text=$__falenv_t __falenv_moved=yes
    fi
}

# Say which profile is asked for with pin $1 (empty: none), and by what, in __falenv_want (empty:
# the default) and __falenv_by. Fails where only a process can tell, or has to speak of the folder.
__falenv_choose() {
    local __falenv_note='' __falenv_word='' __falenv_entry=''
    __falenv_want=$1 __falenv_by=pin
    [[ -z $1 ]] || return 0
    __falenv_by=default
    [[ -n $__falenv_link ]] || return 0
    __falenv_note=${__falenv_link//\%/%%}
    __falenv_note=$__falenv_notes/${__falenv_note//\//%}
    __falenv_is_ours "$__falenv_note" || return 1
    {
        IFS= \builtin read -r __falenv_word
        IFS= \builtin read -r __falenv_entry
    } < "$__falenv_note"
    [[ $__falenv_word != denied ]] || return 0
    # Only what has just this name in it, and is the user's own.
    [[ ${__falenv_text%$'\n'} == "$__falenv_entry" && -f $__falenv_link &&
        ! -L $__falenv_link && -O $__falenv_link ]] || return 1
    case $__falenv_word in
        allowed) __falenv_want=$__falenv_entry __falenv_by=folder ;;
        noticed) ;;
        *) return 1 ;;
    esac
}

# Make this shell's environment that of the active profile, with pin $1 (empty: none), by
# builtins: the index says on which line of the store the key stands. Fails, with nothing done,
# where only a process can tell, or has to say that profile $2 (empty: none) is gone.
__falenv_apply() {
    local __falenv_now='' __falenv_line='' __falenv_entry='' __falenv_key='' __falenv_n=''
    local __falenv_want='' __falenv_by='' __falenv_color=2 __falenv_was=${2-} GLOBIGNORE=
    local __falenv_table='' __falenv_host='' __falenv_hosts=''
    [[ -n $__falenv_index ]] && __falenv_same_store && __falenv_choose "$1" || return 1
    for __falenv_now in "${__falenv_index%/*}"/*; do
        ! __falenv_is_fresh "$__falenv_now" || break
    done
    __falenv_is_ours "$__falenv_now" || return 1
    {
        IFS= \builtin read -r __falenv_entry || return 1
        __falenv_want=${__falenv_want:-$__falenv_entry}
        while IFS=' ' \builtin read -r __falenv_line __falenv_entry; do
            [[ $__falenv_line != -* ]] || break
            if [[ $__falenv_entry == "$__falenv_want" ]]; then
                __falenv_n=$__falenv_line
            fi
            if [[ $__falenv_entry == "$__falenv_was" ]]; then
                __falenv_was=
            fi
        done
    } 2>/dev/null < "$__falenv_now" || return 1
    # Without a default no profile is active; that a shell was on one is for a process to say.
    if [[ -z $__falenv_want && -z ${2-} ]]; then
        __falenv_n=0 __falenv_by=none
    fi
    [[ $__falenv_n == [0-9]* && -z $__falenv_was ]] || return 1
    case $__falenv_n in
        *@*) __falenv_hosts=${__falenv_n#*@} __falenv_n=${__falenv_n%%@*} ;;
    esac
    case $__falenv_n in
        *';'*) __falenv_color=${__falenv_n#*;} __falenv_n=${__falenv_n%%;*} ;;
    esac
    # What is no number would be run below as an expression, and by the terminal.
    [[ $__falenv_n$__falenv_color != *[!0-9\;]* && $__falenv_n != 0?* ]] || return 1
    if [[ $__falenv_n != 0 ]]; then
        {
            while ((__falenv_n-- > 0)); do
                IFS=$' \t' \builtin read -r __falenv_line || return 1
                case $__falenv_line in
                    \[*) __falenv_table=$__falenv_line __falenv_key='' __falenv_host='' ;;
                    key*) __falenv_key=$__falenv_line ;;
                    host*\"*\"*) __falenv_host=${__falenv_line#*\"} ;;
                esac
            done
        } 2>/dev/null < "$__falenv_store" || return 1
        # Whatever the index says, a key is never that of another profile.
        [[ $__falenv_table == "[$__falenv_want]" || $__falenv_table == "[\"$__falenv_want\"]" ]] ||
            return 1
        [[ $__falenv_key == key*\"*\"* ]] || return 1
        __falenv_key=${__falenv_key#*\"}
        __falenv_key=${__falenv_key%%\"*}
    fi
    # Nor does it go out with another host.
    [[ ${__falenv_host%%\"*} == "${__falenv_hosts%%@*}" ]] || return 1
    __falenv_is_fresh "$__falenv_now" || return 1

    local IFS=' '
    # shellcheck disable=SC2086  # a list of names
    \builtin unset $__falenv_vars
    [[ -z $__falenv_want ]] || \builtin export FALENV_PROFILE="$__falenv_want"
    [[ -z $__falenv_key ]] || \builtin export FAL_KEY="$__falenv_key"
    # shellcheck disable=SC2034  # for the programs that use the key
    if [[ -n $__falenv_hosts ]]; then
        \builtin export FAL_HOST="${__falenv_hosts%%@*}" FAL_QUEUE_RUN_HOST="${__falenv_hosts##*@}"
        __falenv_hosts=${__falenv_hosts#*@}
        \builtin export FAL_RUN_HOST="${__falenv_hosts%@*}"
    fi
    __falenv_name=$__falenv_want __falenv_shown=$__falenv_want
    __falenv_why=$__falenv_by __falenv_sgr=$__falenv_color __falenv_index=$__falenv_now
    case $__falenv_key in
        *:*) __falenv_id=${__falenv_key%%:*} ;;
        *) __falenv_id=${__falenv_key:+-} ;;
    esac
}

# Print the state by a process, for pin $1.
__falenv_state() {
    FAL_PROFILE=$1 "$__falenv_exe" profile env --shell bash --refresh "${@:2}" </dev/null
}

# Follow what changed: a `switch` made here, which takes over a key set by hand too, or a `change`
# made elsewhere; `start` is a new shell's. Without any state there is nothing to follow any more,
# unless the process was interrupted (130).
__falenv_follow() {
    local __falenv_out __falenv_code __falenv_left=
    __falenv_keep_pin
    __falenv_find_link
    __falenv_moved=
    if [[ $1 == change ]]; then
        __falenv_owns_key || return 0
        __falenv_left=$__falenv_name
    fi
    if __falenv_apply "${FAL_PROFILE-}" "$__falenv_left"; then
        __falenv_note_state
        return 0
    fi
    case $1 in
        start) \builtin set -- --cache "$__falenv_cached" ;;
        *) \builtin set -- --was "$__falenv_left" ;;
    esac
    __falenv_out=$(__falenv_state "${FAL_PROFILE-}" "$@")
    __falenv_code=$?
    if [[ -n $__falenv_out ]]; then
        \builtin eval "$__falenv_out"
    elif ((__falenv_code != 130)); then
        __falenv_index=
    fi
}

# Is all as it was at the last prompt? Comparisons, and no more: this runs before every prompt.
# Where nocasematch is on, they say nothing.
__falenv_idle() {
    # shellcheck disable=SC2050  # the constants tell whether case counts
    [[ a != A && -x $__falenv_exe && ${FAL_PROFILE-}:${FALENV_PROFILE-}:${FAL_CONFIG_PATH-}:${HOME-} == \
        "$__falenv_around" && ${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-} == "$__falenv_styled" ]] ||
        return 1
    # A loop over the folders takes three times as long, and most are not that deep, nor linked.
    [[ ${PWD-} == "$__falenv_pwd" && -z $__falenv_link && -z ${__falenv_links[8]-} &&
        ! -e $__falenv_f1 && ! -e $__falenv_f2 && ! -e $__falenv_f3 && ! -e $__falenv_f4 &&
        ! -e $__falenv_f5 && ! -e $__falenv_f6 && ! -e $__falenv_f7 && ! -e $__falenv_f8 ]] ||
        __falenv_find_link
    [[ -z $__falenv_moved ]] && __falenv_is_fresh "$__falenv_index" || return 1
    case $__falenv_segment:${PS1-} in :* | *__falenv_segment*) ;; *) return 1 ;; esac
}

# Follow what was changed elsewhere, if anything was.
__falenv_check() {
    __falenv_find_link
    if [[ -n $__falenv_moved ]] ||
        { [[ -n $__falenv_index ]] && ! __falenv_is_fresh "$__falenv_index"; }; then
        __falenv_follow change
    fi
}

# Before a prompt at which something is not as it was.
__falenv_catch_up() {
    if [[ ! -x $__falenv_exe ]]; then
        \builtin printf 'falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more\n' \
            "$__falenv_exe" >&2
        __falenv_remove
        return
    fi
    if [[ ${FAL_PROFILE-}:${FALENV_PROFILE-} != "$__falenv_pin:$__falenv_marked" ]] ||
        ! __falenv_same_store; then
        __falenv_follow switch
    else
        __falenv_check
    fi
    __falenv_show
    __falenv_around=$__falenv_pin:$__falenv_marked:$__falenv_where
    __falenv_styled=${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-}
}

# --- Beginning without a process -----------------------------------------------------------------

# In the place of a state at the end of the file that start-up files read. __falenv_store,
# __falenv_index and __falenv_where are set as they were when that was written, $__falenv_cached;
# where they do not hold any more, or do not suffice, a process tells, and writes it anew.
__falenv_start() {
    __falenv_guarded __falenv_follow start || :
}

# --- The prompt ----------------------------------------------------------------------------------

# PS1 names variables, whose values bash does not expand again; \[ \] must stand in PS1 itself.
# shellcheck disable=SC2016
__falenv_ps1='\[${__falenv_style-}\]${__falenv_segment-}\[${__falenv_plain-}\]'

# Fill in format $1, into __falenv_filled.
__falenv_fill() {
    local __falenv_mark=''
    case $__falenv_why in
        pin) __falenv_mark=$__falenv_mark_pin ;;
        folder) __falenv_mark=$__falenv_mark_folder ;;
    esac
    __falenv_filled=${1//\{why\}/"$__falenv_why"}
    __falenv_filled=${__falenv_filled//\{mark\}/"$__falenv_mark"}
    # The name last: what it contains is not filled in again.
    __falenv_filled=${__falenv_filled//\{name\}/"$__falenv_shown"}
    # A terminal that shows bytes is not sent those of UTF-8, whose widths nobody knows there.
    case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
        *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) ;;
        *) __falenv_filled=${__falenv_filled//[![:ascii:]]/?} ;;
    esac
    [[ -n $__falenv_name ]] || __falenv_filled=
}

# For the user's own PS1, single-quoted: '$(falenv_prompt)\$ '. Prints the active profile in format
# $1, or FALENV_PROMPT, or the default. What comes after it in PS1 sees the $? from before it.
falenv_prompt() {
    local __falenv_status=$? __falenv_filled='' __falenv_form=${FALENV_PROMPT:-$__falenv_format}
    [[ $__falenv_form != off ]] || __falenv_form=$__falenv_format
    __falenv_fill "${1:-$__falenv_form}"
    \builtin printf '%s' "$__falenv_filled"
    return "$__falenv_status"
}

# Put the active profile before the prompt, where it is wanted and the prompt is the user's own.
__falenv_show() {
    local __falenv_filled=''
    __falenv_segment='' __falenv_style='' __falenv_plain=''
    if [[ -z $__falenv_name || -n $__falenv_segment_off || ${FALENV_PROMPT-} == off ]]; then
        return 0
    fi
    # These draw the whole prompt themselves; a PS1 that calls us has its own place for it.
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

# --- The command ---------------------------------------------------------------------------------

# Run "$@" with the options off that would end the shell at a false test (-e, -u), export what we
# keep (-a), show a key (-v, -x), run the user's DEBUG and ERR traps in here (-T, -E), or change
# what a pattern matches. Names with one underscore: `off` unsets all that begin with two while
# this runs.
__falenv_guarded() {
    { local _falenv_status _falenv_flags=$- _falenv_shopt _falenv_on; } 2>/dev/null
    # From bash 4.4 on this restores the options even after Ctrl-C.
    { local - || :; \builtin set +aefuvxET; } 2>/dev/null
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

# PROMPT_COMMAND's part: what comes after it, and the next command, see the $? from before it.
__falenv_hook() {
    local _falenv_before=$?
    # With none of the options that it guards against, the comparisons do without it.
    case $- in
        *[aeuvxET]*) __falenv_guarded __falenv_catch_up || : ;;
        *) __falenv_idle || __falenv_guarded __falenv_catch_up || : ;;
    esac
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
    __falenv_find_link
    if ! __falenv_apply "$__falenv_to"; then
        __falenv_out=$(__falenv_state "$__falenv_to") || return
        \builtin eval "$__falenv_out"
    fi
    __falenv_before=${FAL_PROFILE-}
    if [[ -n $__falenv_to ]]; then
        \builtin export FAL_PROFILE="$__falenv_to"
    else
        \builtin unset FAL_PROFILE
    fi
    __falenv_note_state
    # Of what direnv has set here it alone knows.
    if [[ -n ${DIRENV_DIR-} ]]; then
        __falenv_shell='done' "$__falenv_exe" profile use "$@"
    fi
}

# Take falenv out of this shell, and give back what was there.
__falenv_off() {
    local IFS=' '
    __falenv_keep_pin
    # shellcheck disable=SC2086  # lists of names
    if __falenv_owns_key; then
        __falenv_restore $__falenv_vars FAL_PROFILE
    else
        __falenv_restore ${__falenv_vars#FAL_KEY } FAL_PROFILE
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
                0:set | 0:unset | 0:create | 0:link | 0:unlink | 0:allow | 0:deny)
                    __falenv_follow switch
                    ;;
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
    \builtin complete -F __falenv_complete fal falenv 2>/dev/null
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
    \builtin unset -f fal falenv_prompt
    \builtin eval "$__falenv_completion"$'\n'"$__falenv_fal"
    # shellcheck disable=SC2046  # names, one a line
    \builtin unset -f $(\builtin compgen -A function __falenv_)
    # shellcheck disable=SC2086
    \builtin unset ${!__falenv_@}
}

# The completions take the place of this function at the first TAB: no shell starts slower for them.
__falenv_complete() {
    \builtin source "$__falenv_completions" && __falenv_complete "$@"
} 2>/dev/null

# Before the definition of the function, in which an alias of its name would be expanded.
__falenv_guarded __falenv_load

# Without our other functions (some tools carry over only those whose names begin with a letter)
# and without our program it is the plain command.
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
        *) "$__falenv_exe" "$@" ;;
    esac
}
