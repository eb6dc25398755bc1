# shellcheck shell=bash
# What falenv.bash and falenv.zsh share: which profile is active, whose key the shell has, how the
# shell follows a change, and the commands that switch it.
#
# Sent to the shell before falenv.bash or falenv.zsh, as it is. README.md in this folder describes
# the prelude, the state and the index. Both shells parse this file, so it keeps to what they agree
# on: no arrays but "${list[@]}", no splitting of $variables, no ${!name}. Where they differ, the
# shell's own file has a function:
#
#     __falenv_guarded       run a function with the user's options out of the way
#     __falenv_keep          remember variables
#     __falenv_is_readonly   true if a variable is read-only
#     __falenv_read_link     read the text of a .fal-profile
#     __falenv_in_subshell   true in a subshell
#     __falenv_show          put the segment in front of the prompt
#     __falenv_remove        take the integration out of the shell
#
# Every name begins with __falenv_, locals included: a user may have made any other name read-only.
# `\builtin` gets past the user's aliases and functions.
# shellcheck disable=SC2154  # the prelude assigns these variables

# --- What the shell had before --------------------------------------------------------------------

# Restore variables to what __falenv_keep found: exported, set or unset.
__falenv_restore() {
    local __falenv_v __falenv_was
    for __falenv_v in "$@"; do
        \builtin eval "__falenv_was=\${__falenv_was_$__falenv_v-}"
        case $__falenv_was in
            exported) \builtin eval "\\builtin export $__falenv_v=\"\$__falenv_old_$__falenv_v\"" ;;
            set) \builtin eval "\\builtin unset $__falenv_v; $__falenv_v=\$__falenv_old_$__falenv_v" ;;
            unset) \builtin unset "$__falenv_v" ;;
        esac
    done
}

# If the user has set or removed the pin since the last look, it is the user's: remember it.
__falenv_keep_pin() {
    if [[ ${FAL_PROFILE-} != "$__falenv_pin" ]]; then
        __falenv_keep FAL_PROFILE
    fi
}

# --- What the shell saw last ----------------------------------------------------------------------

# Give each variable of the state a value when the shell is new, whatever the environment brought. After
# that neither `set -u` nor zsh's warn_create_global complains.
__falenv_init() {
    __falenv_pin='' __falenv_marked='' __falenv_where='' __falenv_around='' __falenv_styled=''
    __falenv_moved='' __falenv_pwd='' __falenv_seen='' __falenv_name='' __falenv_shown=''
    __falenv_why='' __falenv_sgr='' __falenv_id='' __falenv_store='' __falenv_index=''
    __falenv_segment=''
    \builtin unset __falenv_before __falenv_told
}

# Note what the shell looks like now. Each state ends with this call, outside of __falenv_guarded,
# so nothing in here depends on the user's options.
__falenv_note_state() {
    __falenv_pin=${FAL_PROFILE-}
    # direnv changes FALENV_PROFILE when it puts back all the variables that it had seen.
    __falenv_marked=${FALENV_PROFILE-}
    __falenv_where=${FAL_CONFIG_PATH-}:${HOME-}
    __falenv_around=
    if [[ -z "$__falenv_pwd" ]]; then
        __falenv_find_links
    fi
    __falenv_moved=
}

# True if the variables that say where the store is are unchanged.
__falenv_same_store() {
    [[ ${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_where" ]]
}

# True if FAL_KEY is the key that falenv set, not one that the user has set since.
__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [[ -z $__falenv_id ]] ;;
        *:*) [[ ${FAL_KEY%%:*} == "$__falenv_id" ]] ;;
        *) [[ $__falenv_id == - ]] ;;
    esac
}

# True if index file $1 exists and describes the store as it is now. `-e` first: for zsh a missing
# file is neither newer nor older. The name of a missing store's index begins with none-.
__falenv_is_fresh() {
    case $1 in
        */none-*) [[ -e $1 && ! -e $__falenv_store ]] ;;
        *) [[ -e $1 && -e $__falenv_store && ! $__falenv_store -nt $1 && ! $__falenv_store -ot $1 ]] ;;
    esac
}

# True if the user owns file $1 and its folder. The program keeps others from writing there.
__falenv_is_ours() {
    [[ -O ${1%/*} && -O $1 && -f $1 && -r $1 && ! -L $1 ]]
}

# True if file $1 can be a .fal-profile that counts: a regular file of the user's own.
__falenv_is_link() {
    [[ -f $1 && -r $1 && -O $1 && ! -L $1 ]]
}

# Note the .fal-profile files in this folder and above, nearest first, each followed by its text. Set
# __falenv_moved if any of them has changed. zsh calls this from its hook under the user's options, so
# everything is quoted.
__falenv_find_links() {
    local __falenv_file='' __falenv_read='' __falenv_now='' __falenv_dir="${PWD-}"
    if [[ "$__falenv_dir" != "$__falenv_pwd" ]]; then
        __falenv_pwd="$__falenv_dir"
        __falenv_dir="${__falenv_dir%/}/"
        \builtin set --
        while [[ "$__falenv_dir" == /* ]]; do
            __falenv_dir="${__falenv_dir%/*}"
            \builtin set -- "$@" "$__falenv_dir/.fal-profile"
        done
        __falenv_paths=("$@")
        # The hook tests these without a loop, which would take three times as long.
        __falenv_f1="${1-}" __falenv_f2="${2-}" __falenv_f3="${3-}" __falenv_f4="${4-}"
        __falenv_f5="${5-}" __falenv_f6="${6-}" __falenv_f7="${7-}" __falenv_f8="${8-}"
        __falenv_f9="${9-}"
    fi
    \builtin set --
    for __falenv_file in "${__falenv_paths[@]}"; do
        if [[ -e "$__falenv_file" || -L "$__falenv_file" ]]; then
            __falenv_read=
            # A FIFO is never opened.
            if __falenv_is_link "$__falenv_file"; then
                __falenv_read_link "$__falenv_file"
            fi
            \builtin set -- "$@" "$__falenv_file" "$__falenv_read"
            __falenv_now="$__falenv_now$__falenv_file:$__falenv_read:"
        fi
    done
    if [[ "$__falenv_now" != "$__falenv_seen" ]]; then
        __falenv_links=("$@") __falenv_seen="$__falenv_now" __falenv_moved=yes
    fi
}

# --- Following the store and the folder -----------------------------------------------------------

# Choose a profile for pin $1 (empty: no pin): its name into __falenv_want (empty: the default), the
# reason into __falenv_by. Return 1 if only the program can tell, or has to print a notice.
__falenv_choose() {
    __falenv_want=$1 __falenv_by=pin
    [[ -z $1 ]] || return 0
    __falenv_by=default
    \builtin set --
    [[ -z $__falenv_seen ]] || \builtin set -- "${__falenv_links[@]}"
    local __falenv_note='' __falenv_verdict='' __falenv_entry='' __falenv_path=''
    # The nearest file that the user has allowed counts. The others are passed over.
    while [[ $# -gt 0 ]]; do
        __falenv_note=${1//\%/%%}
        __falenv_note=${__falenv_note//\//%-}
        __falenv_verdict=''
        if [[ -e $__falenv_verdicts/$__falenv_note ]]; then
            __falenv_read_note "$__falenv_verdicts/$__falenv_note" "$1" || return 1
        elif [[ -e $__falenv_notices/$__falenv_note ]]; then
            __falenv_read_note "$__falenv_notices/$__falenv_note" "$1" || return 1
        elif [[ ! -e $1 ]]; then
            __falenv_verdict=denied # a link that leads nowhere is no file
        fi
        case $__falenv_verdict in
            allowed)
                # The verdict is about this text, and about a file of the user's own.
                __falenv_is_link "$1" && [[ ${2%$'\n'} == "$__falenv_entry" ]] || return 1
                __falenv_want=$__falenv_entry __falenv_by=folder
                return 0
                ;;
            denied) ;;
            noticed)
                ! __falenv_is_link "$1" || [[ ${2%$'\n'} == "$__falenv_entry" ]] || return 1
                ;;
            *) return 1 ;;
        esac
        \builtin shift 2
    done
}

# Read note $1, which has to be about file $2: the verdict, and the text that it is about.
__falenv_read_note() {
    __falenv_is_ours "$1" || return 1
    {
        IFS='' \builtin read -r __falenv_verdict
        IFS='' \builtin read -r __falenv_entry
        IFS='' \builtin read -r __falenv_path
    } <"$1"
    [[ $__falenv_path == "$2" ]]
}

# Apply the active profile to this shell with builtins alone, with pin $1 (empty: no pin). The index
# says in which line of the store the key is. Return 1, with nothing changed, if only the program
# can tell which profile is active, or has to report that profile $2 (empty: none) is gone.
__falenv_apply() {
    local __falenv_now='' __falenv_line='' __falenv_entry='' __falenv_key='' __falenv_n=''
    local __falenv_want='' __falenv_by='' __falenv_color="$__falenv_default_sgr"
    local __falenv_left="${2-}" __falenv_table='' __falenv_host='' __falenv_url='' GLOBIGNORE=''
    [[ -n $__falenv_index ]] && __falenv_same_store && __falenv_choose "$1" || return 1
    for __falenv_now in "${__falenv_index%/*}"/*; do
        ! __falenv_is_fresh "$__falenv_now" || \builtin break
    done
    __falenv_is_ours "$__falenv_now" || return 1
    {
        IFS='' \builtin read -r __falenv_entry || return 1
        __falenv_want=${__falenv_want:-$__falenv_entry}
        while IFS=' ' \builtin read -r __falenv_line __falenv_entry; do
            [[ $__falenv_line != -* ]] || \builtin break
            if [[ $__falenv_entry == "$__falenv_want" ]]; then
                __falenv_n=$__falenv_line
            fi
            if [[ $__falenv_entry == "$__falenv_left" ]]; then
                __falenv_left=
            fi
        done
    } 2>/dev/null <"$__falenv_now" || return 1
    # Without a default no profile is active. If this shell was on one, the program reports that.
    if [[ -z $__falenv_want && -z ${2-} ]]; then
        __falenv_n=0 __falenv_by=none
    fi
    [[ $__falenv_n == [0-9]* && -z $__falenv_left ]] || return 1
    case $__falenv_n in
        *@*) __falenv_url=${__falenv_n#*@} __falenv_n=${__falenv_n%%@*} ;;
    esac
    case $__falenv_n in
        *';'*) __falenv_color=${__falenv_n#*;} __falenv_n=${__falenv_n%%;*} ;;
    esac
    # The shell would run anything but a number as an expression, and the terminal would act on it.
    [[ $__falenv_n$__falenv_color != *[!0-9\;]* && $__falenv_n != 0?* ]] || return 1
    if [[ $__falenv_n != 0 ]]; then
        [[ -O $__falenv_store ]] || return 1
        {
            while ((__falenv_n-- > 0)); do
                IFS=$' \t' \builtin read -r __falenv_line || return 1
                case $__falenv_line in
                    \[*) __falenv_table=$__falenv_line __falenv_key='' __falenv_host='' ;;
                    key*) __falenv_key=$__falenv_line ;;
                    host*\"*\"*) __falenv_host=${__falenv_line#*\"} ;;
                esac
            done
        } 2>/dev/null <"$__falenv_store" || return 1
        # Whatever the index says, take a key only from under the profile's own header.
        [[ $__falenv_table == "[$__falenv_want]" || $__falenv_table == "[\"$__falenv_want\"]" ]] ||
            return 1
        [[ $__falenv_key == key*\"*\"* ]] || return 1
        __falenv_key=${__falenv_key#*\"}
        __falenv_key=${__falenv_key%%\"*}
    fi
    # The host in the store must be the one in the index, or the key would go to another.
    __falenv_host=${__falenv_host%%\"*}
    [[ $__falenv_host == "$__falenv_url" ]] || return 1
    # Nothing may have changed while this function read, nor may the store belong to someone else now.
    __falenv_is_fresh "$__falenv_now" && [[ $__falenv_n == 0 || -O $__falenv_store ]] || return 1

    \builtin eval "\\builtin unset $__falenv_vars"
    [[ -z $__falenv_want ]] || \builtin export FALENV_PROFILE="$__falenv_want"
    [[ -z $__falenv_key ]] || \builtin export FAL_KEY="$__falenv_key"
    # shellcheck disable=SC2034  # for the programs that use the key
    if [[ -n $__falenv_host ]]; then
        # As the official CLI derives them (fal/flags.py): each part is replaced once.
        \builtin export FAL_HOST="$__falenv_host"
        __falenv_host=${__falenv_host/api./}
        __falenv_host=${__falenv_host/alpha./}
        __falenv_host=${__falenv_host/.ai/.run}
        \builtin export FAL_RUN_HOST="$__falenv_host" FAL_QUEUE_RUN_HOST="queue.$__falenv_host"
    fi
    __falenv_name=$__falenv_want __falenv_shown=$__falenv_want
    __falenv_why=$__falenv_by __falenv_sgr=$__falenv_color __falenv_index=$__falenv_now
    case $__falenv_key in
        *:*) __falenv_id=${__falenv_key%%:*} ;;
        *) __falenv_id=${__falenv_key:+-} ;;
    esac
}

# Print the state for pin $1, by a process. Further arguments go to the program. `-I` keeps Python from
# running code that the current folder or Python's variables name.
__falenv_state() {
    FAL_PROFILE=$1 "$__falenv_python" -I "$__falenv_main" profile refresh \
        --shell "$__falenv_dialect" "${@:2}" </dev/null
}

# True if this shell cannot switch, because the user has made FAL_KEY read-only. Say so once.
__falenv_is_stuck() {
    __falenv_is_readonly FAL_KEY || return 1
    if [[ -z ${__falenv_told-} ]]; then
        \builtin printf '%s\n' "$__falenv_readonly_key" >&2
        __falenv_told=yes
    fi
}

# Follow a change. $1 is `switch` (typed here; it takes over a key set by hand too), `change` (made
# elsewhere) or `start` (a new shell). If the program prints no state, stop following, unless Ctrl-C
# interrupted it (130).
__falenv_follow() {
    local __falenv_out='' __falenv_code='' __falenv_left=''
    __falenv_keep_pin
    __falenv_find_links
    __falenv_moved=
    if __falenv_is_stuck; then
        __falenv_note_state
        return 1
    fi
    if [[ $1 == change ]]; then
        __falenv_owns_key || return 0
        __falenv_left=$__falenv_name
    fi
    if __falenv_apply "${FAL_PROFILE-}" "$__falenv_left"; then
        __falenv_note_state
        return 0
    fi
    case $1 in
        start)
            \builtin set --
            if [[ -n $__falenv_cached ]]; then
                \builtin set -- --cache "$__falenv_cached" --program "$__falenv_exe"
            fi
            ;;
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

# Follow a change that was made elsewhere, if there is one.
__falenv_check() {
    __falenv_find_links
    if [[ -n $__falenv_moved ]] ||
        { [[ -n $__falenv_index ]] && ! __falenv_is_fresh "$__falenv_index"; }; then
        __falenv_follow change
    fi
}

# The hook's slow part: something is not as it was at the last prompt.
__falenv_catch_up() {
    if [[ ! -x $__falenv_exe || ! -r $__falenv_main ]]; then
        \builtin printf '%s\n' "$__falenv_gone" >&2
        __falenv_remove
        return 0
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

# A new shell gets this call instead of a state, so that its code has no key in it, and can be kept in a
# file. The code knows where the store and the index were when the program wrote it. If that is
# outdated, the program tells, and writes the file again.
__falenv_start() {
    __falenv_guarded __falenv_follow start || :
    \builtin unset __falenv_cached
}

# --- The prompt -----------------------------------------------------------------------------------

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
    # Without a UTF-8 locale nobody knows how wide the terminal draws other characters.
    case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
        *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) ;;
        *) __falenv_filled=${__falenv_filled//[![:ascii:]]/?} ;;
    esac
    [[ -n $__falenv_name ]] || __falenv_filled=
}

# --- The command ----------------------------------------------------------------------------------

# Run `fal profile …` by the program. Tell it what a change means here: `live` (this shell switches
# at once), `later` (a subshell of a shell that follows at its next prompt) or nothing.
__falenv_program() {
    local __falenv_tell=live
    if __falenv_in_subshell; then
        __falenv_tell=
        case $- in *i*) ! __falenv_owns_key || __falenv_tell=later ;; esac
    fi
    __falenv_shell=$__falenv_tell "$__falenv_exe" profile "$@"
}

# use NAME, use -, use --default: pin this shell, go back, follow the default. The program explains
# everything else.
__falenv_use() {
    local __falenv_to='' __falenv_out='' __falenv_clear=yes
    case $#:${1-} in
        1:--default) ;;
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
    __falenv_told=
    ! __falenv_is_stuck || return 1
    __falenv_keep_pin
    __falenv_find_links
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
    # Only the program can tell what direnv has set here.
    if [[ -n ${DIRENV_DIR-} ]]; then
        __falenv_shell='done' "$__falenv_exe" profile use "$@"
    fi
}

# Take falenv out of this shell, and restore what the shell had before.
__falenv_off() {
    __falenv_keep_pin
    # A key that the user has set since stays.
    __falenv_owns_key || __falenv_was_FAL_KEY=
    \builtin eval "__falenv_restore $__falenv_vars FAL_PROFILE"
    __falenv_remove
}

__falenv_profile() {
    local __falenv_code=''
    case $#:${1-} in
        1:off) __falenv_off ;;
        *:use)
            \builtin shift
            __falenv_use "$@"
            ;;
        *)
            __falenv_program "$@"
            __falenv_code=$?
            case $__falenv_code:$__falenv_switches in
                0:*" ${1-} "*) __falenv_follow switch ;;
                *) __falenv_check ;;
            esac
            return "$__falenv_code"
            ;;
    esac
}
