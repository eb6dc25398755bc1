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
#     __falenv_has_readonly  true if a variable that falenv sets is read-only
#     __falenv_read_link     read the text of a .fal-profile
#     __falenv_in_subshell   true in a subshell
#     __falenv_read_clock    assign the seconds since 1970 to __falenv_clock
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

# Remember all variables when a shell is new. A shell started from an integrated one has variables that
# falenv exported there, which do not belong to the user.
__falenv_keep_all() {
    local __falenv_own=''
    \builtin eval "__falenv_keep $__falenv_vars FAL_PROFILE"
    __falenv_pin=${FAL_PROFILE-}
    __falenv_disown FALENV_PROFILE FALENV_KEY_ID FALENV_MARK
    if [[ -n ${FALENV_NONE-} ]]; then
        __falenv_disown FAL_PROFILE FAL_HOME_DIR
    elif [[ -n ${FALENV_PROFILE-} ]]; then
        __falenv_disown FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST
        if [[ ${FAL_PROFILE-} == "$FALENV_PROFILE" ]]; then
            __falenv_disown FAL_PROFILE
            if [[ ${FALENV_MARK-} == "$__falenv_mark_folder"* ]]; then
                __falenv_guard=$FAL_PROFILE
            fi
        fi
        __falenv_key_id "${FAL_KEY-}"
        if [[ $__falenv_own == "${FALENV_KEY_ID-}" ]]; then
            __falenv_disown FAL_KEY
        elif [[ -n $__falenv_own && $__falenv_own != "${FALENV_KEPT_ID-}" ]]; then
            __falenv_foreign=yes
        fi
    fi
}

# Variables that falenv has set: `off` unsets them.
__falenv_disown() {
    local __falenv_v=''
    for __falenv_v in "$@"; do
        \builtin eval "__falenv_was_$__falenv_v=unset"
    done
}

# Assign the id of key $1 to __falenv_own: the part before the colon, or - for a key without one.
__falenv_key_id() {
    case $1 in
        *:*) __falenv_own=${1%%:*} ;;
        *) __falenv_own=${1:+-} ;;
    esac
}

# No profile is active, so the shell belongs to the user. If none was active before, the user may have
# changed the variables since. If FALENV_PROFILE is gone, direnv has put back the user's values.
__falenv_give_back() {
    case $__falenv_why:${FALENV_PROFILE-} in
        none:* | '':) ;;
        failed:* | nobody:* | *:?*) \builtin eval "__falenv_restore $__falenv_vars" ;;
    esac
}

# A profile becomes active. If none was, remember what the user has set. Note the rivals that are set.
__falenv_set_aside() {
    local __falenv_own=''
    if [[ $__falenv_why == none && -z ${FALENV_PROFILE-} ]]; then
        \builtin eval "__falenv_keep $__falenv_vars"
        __falenv_disown FALENV_MARK
        __falenv_foreign=
    fi
    # A start-up file may set the same key again in a child shell. There it is not the user's choice, as
    # a foreign key is.
    if [[ $__falenv_was_FAL_KEY != unset && -z $__falenv_foreign ]]; then
        __falenv_key_id "${__falenv_old_FAL_KEY-}"
        \builtin export FALENV_KEPT_ID="$__falenv_own"
    fi
    if [[ -n ${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}${FAL_GRPC_HOST+x} ||
        -n ${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x} ]]; then
        \builtin eval "__falenv_find_rivals $__falenv_rivals"
    fi
}

# Assign those of the variables "$@" that are set to __falenv_aside.
__falenv_find_rivals() {
    local __falenv_v='' __falenv_is_set=''
    __falenv_aside=''
    for __falenv_v in "$@"; do
        \builtin eval "__falenv_is_set=\${$__falenv_v+x}"
        [[ -z $__falenv_is_set ]] || __falenv_aside="$__falenv_aside $__falenv_v"
    done
}

# Say once which rivals falenv has set aside.
__falenv_tell_aside() {
    if [[ -n $__falenv_aside && $__falenv_aside != "$__falenv_told_aside" ]]; then
        \builtin printf '%s\n' "$__falenv_rivals_aside$__falenv_aside" >&2
        __falenv_told_aside=$__falenv_aside
    fi
    __falenv_aside=''
}

# --- What the shell saw last ----------------------------------------------------------------------

# Give each variable of the state a value, whatever the environment brought. After that neither `set -u`
# nor zsh's warn_create_global complains. The variables without falenv's prefix that "${@:2}" names come
# from the shell's own file. With `again` as $1, keep what has a value: this integration replaces that of
# another version, which may not have had all of them.
__falenv_init() {
    local __falenv_v='' __falenv_all='' __falenv_was="${1-}" IFS=' '
    \builtin set -- "${@:2}" pin marked where around styled moved pwd seen name shown why sgr id \
        store index segment ours guard foreign failure aside told_aside hint stay payer rivals_a \
        rivals_b dotenv unnoted mark missed seconds suffix
    if [[ $__falenv_was == again ]]; then
        for __falenv_v in "$@"; do
            \builtin eval "__falenv_$__falenv_v=\${__falenv_$__falenv_v-}"
        done
    else
        __falenv_all=$*
        \builtin eval "__falenv_${__falenv_all// /= __falenv_}="
        \builtin unset __falenv_before __falenv_told
    fi
}

# Note what the shell looks like now. Each state ends with this call.
__falenv_note_state() {
    # Without a FAL_KEY the official CLI takes the key and the host of the default, unless FAL_PROFILE
    # names another profile. So FAL_PROFILE guards a linked profile without a key. It is not a pin.
    if [[ -n $__falenv_guard && ${FAL_PROFILE-} == "$__falenv_guard" ]]; then
        \builtin unset FAL_PROFILE
    fi
    __falenv_guard=
    if [[ $__falenv_why == folder && -z $__falenv_id ]]; then
        __falenv_guard=$__falenv_name
        \builtin export FAL_PROFILE="$__falenv_name"
    fi
    __falenv_payer=$__falenv_ours __falenv_rivals_a='' __falenv_rivals_b=''
    [[ -z $__falenv_seconds ]] || __falenv_use_copy
    __falenv_set_mark
    __falenv_pin=${FAL_PROFILE-}
    # direnv changes these two when it loads a folder, and when it puts back what it had seen. The key
    # that it sets then is not one that the user has chosen.
    __falenv_marked=${FALENV_PROFILE-}:${FALENV_KEY_ID-}
    __falenv_where=${FAL_CONFIG_PATH-}:${HOME-}
    __falenv_around=
    if [[ -z "$__falenv_pwd" ]]; then
        __falenv_find_links
    fi
    # With another key, the key in an .env file may be another than the shell's.
    __falenv_moved='' __falenv_dotenv=yes
}

# A shell that compares whole seconds uses the copy of the index that the program writes when the second
# of the store's last change is over.
__falenv_use_copy() {
    case $__falenv_index in
        '' | */.seconds/*) ;;
        *) __falenv_index=${__falenv_index%/*}/.seconds/${__falenv_index##*/} ;;
    esac
}

# True if the variables that say where the store is are unchanged.
__falenv_same_store() {
    [[ ${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_where" ]]
}

# Note who pays: the id of the key and the hosts in __falenv_payer, and in two more variables an x for
# each rival that is set. No secret is among them. The hooks compare the same texts.
__falenv_note_payer() {
    case ${FAL_KEY-} in
        *:*) __falenv_payer=${FAL_KEY%%:*} ;;
        *) __falenv_payer=${FAL_KEY:+-} ;;
    esac
    __falenv_payer=$__falenv_payer:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-}
    __falenv_rivals_a=${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}${FAL_GRPC_HOST+x}
    __falenv_rivals_b=${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}
    __falenv_rivals_b=$__falenv_rivals_b${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x}
}

# True if the variables are what falenv has set, or if no profile is active.
__falenv_is_untouched() {
    __falenv_note_payer
    [[ -z $__falenv_name || $__falenv_payer:$__falenv_rivals_a$__falenv_rivals_b == "$__falenv_ours:" ]]
}

# Note the segment's mark, and export it for other prompts. The payer has been noted.
__falenv_set_mark() {
    __falenv_mark=''
    if [[ -n $__falenv_name ]]; then
        case $__falenv_why in
            pin) __falenv_mark=$__falenv_mark_pin ;;
            folder) __falenv_mark=$__falenv_mark_folder ;;
        esac
        __falenv_mark=$__falenv_mark$__falenv_suffix
        [[ $__falenv_payer:$__falenv_rivals_a$__falenv_rivals_b == "$__falenv_ours:" ]] ||
            __falenv_mark=$__falenv_mark_touched
    fi
    if [[ ${FALENV_MARK-} == "$__falenv_mark" ]]; then
        return 0
    fi
    # If the user has made the variable read-only, other prompts cannot show the mark.
    if __falenv_is_readonly FALENV_MARK 2>/dev/null; then
        :
    elif [[ -n $__falenv_mark ]]; then
        \builtin export FALENV_MARK="$__falenv_mark"
    else
        \builtin unset FALENV_MARK
    fi
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
# __falenv_moved if any of them has changed. Set __falenv_dotenv in another folder that has an .env
# file of its own. zsh calls this from its hook under the user's options, so
# everything is quoted.
__falenv_find_links() {
    local __falenv_file='' __falenv_read='' __falenv_now='' __falenv_dir="${PWD-}"
    if [[ "$__falenv_dir" != "$__falenv_pwd" ]]; then
        __falenv_pwd="$__falenv_dir"
        __falenv_dir="${__falenv_dir%/}/"
        __falenv_dotenv=
        if [[ -f "$__falenv_dir.env" || -f "$__falenv_dir.env.local" ]]; then
            __falenv_dotenv=yes
        fi
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
    elif [[ -z "$__falenv_seen$__falenv_f9" && ! -e "$__falenv_f1" && ! -e "$__falenv_f2" &&
        ! -e "$__falenv_f3" && ! -e "$__falenv_f4" && ! -e "$__falenv_f5" && ! -e "$__falenv_f6" &&
        ! -e "$__falenv_f7" && ! -e "$__falenv_f8" ]]; then
        return 0
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
    if [[ -n $__falenv_stay ]]; then
        __falenv_want=$__falenv_name __falenv_by=$__falenv_why
        return 0
    fi
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
    local __falenv_flag='' __falenv_cut='' IFS=' '
    [[ -n $__falenv_index && -z ${FALENV_NONE-}${FALENV_UNTIL-} ]] && __falenv_same_store &&
        __falenv_choose "$1" || return 1
    for __falenv_now in "${__falenv_index%/*}"/*; do
        ! __falenv_is_fresh "$__falenv_now" || \builtin break
    done
    __falenv_is_ours "$__falenv_now" || return 1
    {
        \builtin read -r __falenv_flag __falenv_entry || return 1
        __falenv_want=${__falenv_want:-$__falenv_entry}
        while \builtin read -r __falenv_line __falenv_entry; do
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
        IFS=$' \t'
        {
            while ((__falenv_n-- > 0)); do
                # The last line may have no line break.
                \builtin read -r __falenv_line || [[ -n $__falenv_line ]] || return 1
                case $__falenv_line in
                    \[*) __falenv_table=$__falenv_line __falenv_key='' __falenv_host='' ;;
                    key[=$' \t']*) __falenv_key=$__falenv_line ;;
                    host[=$' \t']*) __falenv_host=$__falenv_line ;;
                esac
            done
        } 2>/dev/null <"$__falenv_store" || return 1
        # Whatever the index says, take a key only from under the profile's own header.
        if [[ $__falenv_table != "[$__falenv_want]" || $__falenv_want == *[.\[\"\']* ]]; then
            __falenv_cut_name "$__falenv_table"
            [[ $__falenv_cut == "$__falenv_want" ]] || return 1
        fi
        if [[ -n $__falenv_host ]]; then
            __falenv_cut_value "$__falenv_host"
            __falenv_host=$__falenv_cut
        fi
        __falenv_cut_value "$__falenv_key"
        __falenv_key=$__falenv_cut
        [[ -n $__falenv_key ]] || return 1
    fi
    # The host in the store must be the one in the index, or the key would go to another.
    [[ $__falenv_host == "$__falenv_url" ]] || return 1
    # Nothing may have changed while this function read, nor may the store belong to someone else now.
    __falenv_is_fresh "$__falenv_now" && [[ $__falenv_n == 0 || -O $__falenv_store ]] || return 1

    case $__falenv_key in
        *:*) __falenv_id=${__falenv_key%%:*} ;;
        *) __falenv_id=${__falenv_key:+-} ;;
    esac
    if [[ $__falenv_by == none ]]; then
        __falenv_give_back
    else
        __falenv_set_aside
        \builtin eval "\\builtin unset $__falenv_outputs"
        [[ -z $__falenv_aside ]] || \builtin eval "\\builtin unset $__falenv_rivals"
        \builtin export FALENV_PROFILE="$__falenv_want"
        case $__falenv_by in
            pin) \builtin export FALENV_MARK="$__falenv_mark_pin" ;;
            folder) \builtin export FALENV_MARK="$__falenv_mark_folder" ;;
        esac
        if [[ -n $__falenv_key ]]; then
            \builtin export FAL_KEY="$__falenv_key" FALENV_KEY_ID="$__falenv_id"
        fi
        # The official CLI takes the default's host from the store, if no variable names another.
        [[ $__falenv_flag != @ || -n $__falenv_host ]] || __falenv_host=$__falenv_default_host
        # shellcheck disable=SC2034  # for the programs that use the key
        if [[ -n $__falenv_host ]]; then
            # As the official CLI derives them (fal/flags.py): each part is replaced once.
            \builtin export FAL_HOST="$__falenv_host"
            __falenv_host=${__falenv_host/api./}
            __falenv_host=${__falenv_host/alpha./}
            __falenv_host=${__falenv_host/.ai/.run}
            \builtin export FAL_RUN_HOST="$__falenv_host" FAL_QUEUE_RUN_HOST="queue.$__falenv_host"
        fi
    fi
    __falenv_ours=$__falenv_id:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-}
    __falenv_name=$__falenv_want __falenv_shown=$__falenv_want
    __falenv_why=$__falenv_by __falenv_sgr=$__falenv_color __falenv_suffix=''
    # After an edit the old index stays, so that the next prompt follows a switch made meanwhile.
    [[ -n $__falenv_stay ]] || __falenv_index=$__falenv_now
}

# Assign the name in table header $1 to __falenv_cut; empty if the header is not one name, or has an
# escape. falenv/index.py cuts in the same way.
__falenv_cut_name() {
    local __falenv_rest=${1#\[}
    case $__falenv_rest in
        [$' \t']*) __falenv_rest=${__falenv_rest#"${__falenv_rest%%[!$' \t']*}"} ;;
    esac
    case $__falenv_rest in
        \"*\"*)
            __falenv_cut=${__falenv_rest#\"} __falenv_rest=${__falenv_rest#\"*\"}
            __falenv_cut=${__falenv_cut%%\"*}
            case $__falenv_cut in *\\*) __falenv_cut= ;; esac
            ;;
        \'*\'*)
            __falenv_cut=${__falenv_rest#\'} __falenv_rest=${__falenv_rest#\'*\'}
            __falenv_cut=${__falenv_cut%%\'*}
            ;;
        *)
            __falenv_cut=${__falenv_rest%%[$' \t'\]]*}
            __falenv_rest=${__falenv_rest#"$__falenv_cut"}
            # A dot makes two names of it, and a bracket an array.
            case $__falenv_cut in *[.\[\"\']*) __falenv_cut= ;; esac
            ;;
    esac
    case $__falenv_rest in
        \]*) ;;
        [$' \t']*)
            __falenv_rest=${__falenv_rest#"${__falenv_rest%%[!$' \t']*}"}
            [[ $__falenv_rest == \]* ]] || __falenv_cut=
            ;;
        *) __falenv_cut= ;;
    esac
}

# Assign the text from the first quote in $1, of either kind, to the next one of the same kind, to
# __falenv_cut; empty if there is none.
__falenv_cut_value() {
    __falenv_cut=
    case ${1%%\"*} in
        *\'*) [[ $1 != *\'*\'* ]] || __falenv_cut=${1#*\'} __falenv_cut=${__falenv_cut%%\'*} ;;
        *) [[ $1 != *\"*\"* ]] || __falenv_cut=${1#*\"} __falenv_cut=${__falenv_cut%%\"*} ;;
    esac
}

# Print the state for pin $1, by a process. Further arguments go to the program. It may ask the user, so
# a hook gives it no standard input. `-I` keeps Python from running code that the current folder or
# Python's variables name.
__falenv_state() {
    local __falenv_own=''
    [[ $__falenv_was_FAL_KEY == unset ]] || __falenv_key_id "$__falenv_old_FAL_KEY"
    # Without the mark, FAL_PROFILE is a pin, whatever has chosen the profile until now.
    FAL_PROFILE=$1 FALENV_MARK='' __falenv_own_key_id=$__falenv_own \
        "$__falenv_python" -I "$__falenv_main" \
        profile refresh --shell "$__falenv_dialect" --protocol "$__falenv_protocol" \
        ${__falenv_seconds:+"--seconds"} "${@:2}"
}

# True if this shell cannot switch, because the user has made FAL_KEY or another variable that falenv
# sets read-only. Say so once. A switch of only some of them would show a name that is not the key's.
__falenv_is_stuck() {
    local __falenv_fixed=''
    # Each switch does this, so it first asks about all of them at once.
    __falenv_has_readonly || return 1
    \builtin eval "__falenv_find_fixed $__falenv_vars FAL_PROFILE" 2>/dev/null
    [[ -n $__falenv_fixed ]] || return 1
    if [[ -z ${__falenv_told-} ]]; then
        \builtin printf '%s\n' "${__falenv_readonly_key/FAL_KEY/$__falenv_fixed}" >&2
        __falenv_told=yes
    fi
}

# Assign the first of the variables "$@" that is read-only to __falenv_fixed.
__falenv_find_fixed() {
    local __falenv_v=''
    for __falenv_v in "$@"; do
        if __falenv_is_readonly "$__falenv_v"; then
            __falenv_fixed=$__falenv_v
            return 0
        fi
    done
}

# Follow a change. $1 is `switch` (typed here; it takes over variables set by hand too), `change` (made
# elsewhere) or `start` (a new shell). If the program prints no state, stop following, unless Ctrl-C
# interrupted it (130).
__falenv_follow() {
    local __falenv_out='' __falenv_code='' __falenv_left='' __falenv_users_pin='' __falenv_known=''
    local __falenv_news=yes
    __falenv_keep_pin
    __falenv_find_links
    [[ $1 != change ]] || __falenv_news=$__falenv_moved
    __falenv_moved='' __falenv_missed=''
    if __falenv_is_stuck; then
        __falenv_note_state
        __falenv_note_payer
        __falenv_set_mark
        return 1
    fi
    if [[ $1 == change ]]; then
        [[ -z ${FALENV_NONE-} ]] || return 0
        if ! __falenv_is_untouched; then
            # Follow when the user puts back what he has changed.
            __falenv_missed=yes
            return 0
        fi
        __falenv_left=$__falenv_name
    fi
    __falenv_find_pin
    if __falenv_apply "$__falenv_users_pin" "$__falenv_left"; then
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
        *)
            # The program does not repeat what it has said about a version of the store.
            [[ -n $__falenv_news ]] || __falenv_known=${__falenv_index##*/}
            \builtin set -- --was "$__falenv_left" --seen "$__falenv_known"
            ;;
    esac
    # In a widget of zsh: the program may print a notice, which goes below the line being edited.
    [[ -z ${__falenv_widget-} ]] || \builtin zle -I
    __falenv_out=$(__falenv_state "$__falenv_users_pin" "$@" </dev/null)
    __falenv_code=$?
    if [[ -n $__falenv_out ]]; then
        \builtin eval "$__falenv_out"
    elif ((__falenv_code != 130)); then
        __falenv_index=
    fi
}

# Assign the user's pin to __falenv_users_pin; empty without one.
__falenv_find_pin() {
    __falenv_users_pin=${FAL_PROFILE-}
    if [[ -n $__falenv_guard && $__falenv_users_pin == "$__falenv_guard" ]]; then
        __falenv_users_pin=
    fi
}

# Follow a change that was made elsewhere, if there is one.
__falenv_check() {
    __falenv_find_links
    if [[ -n $__falenv_moved$__falenv_missed ]] ||
        { [[ -n $__falenv_index ]] && ! __falenv_is_fresh "$__falenv_index"; }; then
        __falenv_follow change
    fi
}

# `use --for` holds until FALENV_UNTIL. If that time has come, put the pin from before, FALENV_AFTER, in
# its place. The caller follows. Return 1 if the pin stays.
__falenv_end_time() {
    local __falenv_clock=0 __falenv_to=${FALENV_AFTER-}
    # A pin that someone has set since has no end.
    if [[ ${FAL_PROFILE-} == "$__falenv_pin" ]]; then
        __falenv_read_clock
        # The environment can bring anything, and a shell would run it as an expression.
        case $FALENV_UNTIL in
            [!1-9]* | *[!0-9]* | ???????????*) ;;
            *) ((__falenv_clock >= FALENV_UNTIL)) || return 1 ;;
        esac
        [[ $__falenv_to != "$__falenv_nobody" ]] || __falenv_keep FAL_HOME_DIR
        if [[ -n $__falenv_to ]]; then
            \builtin export FAL_PROFILE="$__falenv_to"
        else
            \builtin unset FAL_PROFILE
        fi
        __falenv_pin=${FAL_PROFILE-}
    fi
    \builtin unset FALENV_UNTIL FALENV_AFTER
}

# If an .env file of this folder has another key than the shell, the program says so once for each
# version of the file. Notes with the mtime of their file tell which files it has seen.
__falenv_check_dotenv() {
    local __falenv_file='' __falenv_own=''
    __falenv_dotenv=
    [[ -n $__falenv_name && -n ${FAL_KEY-} ]] || return 0
    __falenv_key_id "$FAL_KEY"
    \builtin set --
    for __falenv_file in "${__falenv_pwd%/}/.env" "${__falenv_pwd%/}/.env.local"; do
        if [[ -f $__falenv_file ]] && ! __falenv_is_noted "$__falenv_file"; then
            \builtin set -- "$@" "$__falenv_file"
        fi
    done
    [[ $# -gt 0 ]] || return 0
    "$__falenv_python" -I "$__falenv_main" profile dotenv "$@" </dev/null || :
    # If the program could not write a note, do not ask it again in this shell.
    for __falenv_file in "$@"; do
        __falenv_is_noted "$__falenv_file" || __falenv_unnoted=${__falenv_unnoted-}:$__falenv_file:
    done
}

# True if a note says that nothing is to be said about .env file $1, or if this shell has asked.
__falenv_is_noted() {
    local __falenv_note=${1//\%/%%} __falenv_verdict='' __falenv_entry='' __falenv_path=''
    __falenv_note=$__falenv_notices/${__falenv_note//\//%-}
    case ${__falenv_unnoted-} in *":$1:"*) return 0 ;; esac
    [[ -e $__falenv_note && ! $1 -nt $__falenv_note && ! $1 -ot $__falenv_note ]] &&
        __falenv_read_note "$__falenv_note" "$1" || return 1
    case $__falenv_verdict:$__falenv_entry in
        noticed:* | seen: | "seen:$__falenv_own") ;;
        *) return 1 ;;
    esac
}

# The hook's slow part: something is not as it was at the last prompt.
__falenv_catch_up() {
    if [[ ! -x $__falenv_exe || ! -r $__falenv_main ]]; then
        \builtin printf '%s\n' "$__falenv_gone" >&2
        __falenv_remove
        return 0
    fi
    if [[ -n ${FALENV_UNTIL-} ]] && __falenv_end_time; then
        __falenv_follow switch
        \builtin printf '%s\n' "$__falenv_time_over" >&2
    fi
    if [[ ${FAL_PROFILE-}:${FALENV_PROFILE-}:${FALENV_KEY_ID-} != "$__falenv_pin:$__falenv_marked" ]] ||
        ! __falenv_same_store; then
        __falenv_follow switch
    else
        __falenv_check
    fi
    __falenv_note_payer
    __falenv_set_mark
    __falenv_tell_aside
    [[ -z ${__falenv_dotenv-} ]] || __falenv_check_dotenv
    __falenv_show
    __falenv_around=$__falenv_pin:$__falenv_marked:$__falenv_where
    # As long as `use --for` runs, no prompt is idle.
    [[ -z ${FALENV_UNTIL-} ]] || __falenv_around=
    __falenv_styled=${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-}
}

# A new shell gets this call instead of a state, so that its code has no key in it, and can be kept in a
# file. The code knows where the store and the index were when the program wrote it. If that is
# outdated, the program tells, and writes the file again.
__falenv_start() {
    __falenv_guarded __falenv_begin || :
    \builtin unset __falenv_cached
}

__falenv_begin() {
    local __falenv_kept=''
    if [[ -n $__falenv_failure ]]; then
        __falenv_fail "$__falenv_failure"
        __falenv_failure=
        return
    fi
    [[ $__falenv_foreign != yes ]] || __falenv_kept=$FAL_KEY
    if [[ -n ${FALENV_UNTIL-} ]]; then
        # `FAL_PROFILE=… bash` has no end.
        [[ ${FAL_PROFILE-} == "${FALENV_PROFILE-}" ]] || \builtin unset FALENV_UNTIL FALENV_AFTER
        [[ -z ${FALENV_UNTIL-} ]] || __falenv_end_time || :
    fi
    [[ -z $__falenv_seconds ]] || __falenv_use_copy
    __falenv_follow start
    # `FAL_KEY=… bash` in an integrated shell: the user has chosen the key.
    if [[ -n $__falenv_kept ]]; then
        if [[ -n $__falenv_name ]]; then
            \builtin unset FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST
            \builtin export FAL_KEY="$__falenv_kept"
            __falenv_note_payer
            __falenv_set_mark
        fi
        __falenv_foreign=kept
    fi
    if [[ -n $__falenv_hint && -z $__falenv_name ]] && __falenv_is_typed; then
        \builtin printf '%s\n' "$__falenv_hint" >&2
    fi
    __falenv_hint=
}

# The program cannot tell which profile is active. $1 is `none` (the shell belongs to the user) or
# `failed` (the wanted profile cannot be used, so there is no key).
__falenv_fail() {
    if [[ $1 == none ]]; then
        __falenv_give_back
    else
        \builtin eval "\\builtin unset $__falenv_vars"
    fi
    __falenv_name='' __falenv_shown='' __falenv_id='' __falenv_ours='' __falenv_why=$1
    __falenv_suffix=''
    __falenv_note_state
}

# --- The prompt -----------------------------------------------------------------------------------

# Fill in format $1, into __falenv_filled.
__falenv_fill() {
    __falenv_filled=$1
    if [[ $__falenv_mark == "$__falenv_mark_touched" ]]; then
        # This mark shows in any format.
        case $1 in
            *'{mark}'*) ;;
            *'{name}'*) __falenv_filled=${1/\{name\}/\{name\}\{mark\}} ;;
            *) __falenv_filled="{mark}$1" ;;
        esac
    fi
    __falenv_filled=${__falenv_filled//\{why\}/"$__falenv_why"}
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
# at once), `later` (a subshell of a shell that follows at its next prompt) or nothing. Tell it too
# which store the shell follows, and the id of the key that the shell had before.
__falenv_program() {
    local __falenv_tell=live __falenv_own='' IFS=' '
    if __falenv_in_subshell; then
        __falenv_tell=
        case $- in *i*) ! __falenv_owns_key || __falenv_tell=later ;; esac
    fi
    [[ $__falenv_was_FAL_KEY == unset ]] || __falenv_key_id "$__falenv_old_FAL_KEY"
    case " $* " in
        *' --from-env '*)
            if [[ -n $__falenv_name ]] && __falenv_is_untouched; then
                # The user means the key from before falenv.
                FALENV_KEY_ID='' FAL_KEY=${__falenv_old_FAL_KEY-} \
                    FAL_KEY_ID=${__falenv_old_FAL_KEY_ID-} \
                    FAL_KEY_SECRET=${__falenv_old_FAL_KEY_SECRET-} \
                    __falenv_shell=$__falenv_tell __falenv_store_shown=$__falenv_store \
                    "$__falenv_exe" profile "$@"
                return
            fi
            ;;
    esac
    __falenv_shell=$__falenv_tell __falenv_store_shown=$__falenv_store \
        __falenv_own_key_id=$__falenv_own "$__falenv_exe" profile "$@"
}

# use NAME, use -, use --default, use --none: pin this shell, go back, follow the default, have no
# credentials. The program explains everything else.
__falenv_use() {
    local __falenv_to='' __falenv_out='' __falenv_clear=yes __falenv_none=${FALENV_NONE-}
    local __falenv_users_pin='' __falenv_yes='' __falenv_for='' __falenv_n=$#
    local __falenv_timed=${FALENV_UNTIL-}
    if [[ $# == 0 ]]; then
        __falenv_to=$(__falenv_program pick) || return
        \builtin set -- -- "$__falenv_to"
    fi
    # `use NAME` has no options to look for. Move all other words behind the options.
    while ((__falenv_n > 0 && $# > 1)); do
        case $1 in
            --yes) __falenv_yes=--yes ;;
            --for=*) __falenv_for=${1#--for=} __falenv_for=${__falenv_for:-0} ;;
            --for)
                if ((__falenv_n > 1)); then
                    __falenv_for=${2:-0} # an empty one counts as zero
                    \builtin shift
                    ((__falenv_n -= 1))
                else
                    \builtin set -- "$@" "$1"
                fi
                ;;
            --) break ;;
            *) \builtin set -- "$@" "$1" ;;
        esac
        \builtin shift
        ((__falenv_n -= 1)) || :
    done
    case $#:${1-} in
        1:--default) ;;
        1:--none) __falenv_to=$__falenv_nobody ;;
        1:-) __falenv_to=${__falenv_before-} __falenv_clear=${__falenv_before+yes} ;;
        1:-* | 1: | "1:$__falenv_nobody") __falenv_clear= ;;
        1:*) __falenv_to=$1 ;;
        2:--) __falenv_to=$2 __falenv_clear=${2:+yes} ;;
        *) __falenv_clear= ;;
    esac
    # Only a name can be used for a time.
    case ${__falenv_for:+$#:${1-}} in 1:-* | [!12]:*) __falenv_clear= ;; esac
    if [[ -z $__falenv_clear ]]; then
        \builtin set -- ${__falenv_for:+"--for=$__falenv_for"} "$@"
        __falenv_program use ${__falenv_yes:+"$__falenv_yes"} "$@"
        return
    fi
    __falenv_told=
    ! __falenv_is_stuck || return 1
    __falenv_keep_pin
    # A pin needs no links.
    [[ -n $__falenv_to ]] || __falenv_find_links
    __falenv_find_pin
    if [[ $__falenv_to == "$__falenv_nobody" ]]; then
        [[ -n $__falenv_none ]] || __falenv_keep FAL_HOME_DIR
        __falenv_out=$(__falenv_state "$__falenv_nobody" --use) || return
        \builtin eval "$__falenv_out"
        __falenv_before=$__falenv_users_pin
        \builtin unset FALENV_UNTIL FALENV_AFTER
        return
    fi
    \builtin unset FALENV_NONE
    if [[ -n $__falenv_for ]] || ! __falenv_apply "$__falenv_to"; then
        if ! __falenv_out=$(__falenv_state "$__falenv_to" --use ${__falenv_yes:+"$__falenv_yes"} \
            ${__falenv_for:+"--duration=$__falenv_for"}); then
            [[ -z $__falenv_none ]] || \builtin export FALENV_NONE="$__falenv_none"
            return 1
        fi
        \builtin eval "$__falenv_out"
    fi
    [[ -z $__falenv_none ]] || __falenv_restore FAL_HOME_DIR
    if [[ -n $__falenv_for ]]; then
        # While one time runs, another begins: afterwards holds what held before both.
        if [[ -z $__falenv_timed && -n $__falenv_users_pin ]]; then
            \builtin export FALENV_AFTER="$__falenv_users_pin"
        fi
    elif [[ -n ${FALENV_UNTIL-} ]]; then
        \builtin unset FALENV_UNTIL FALENV_AFTER
    fi
    __falenv_before=$__falenv_users_pin
    __falenv_guard=
    if [[ -n $__falenv_to ]]; then
        \builtin export FAL_PROFILE="$__falenv_to"
    else
        \builtin unset FAL_PROFILE
    fi
    __falenv_note_state
    __falenv_tell_aside
    # Only the program can tell what direnv has set here.
    if [[ -n ${DIRENV_DIR-} ]]; then
        __falenv_shell='done' "$__falenv_exe" profile use "$@"
    fi
}

# Take falenv out of this shell, and restore what the shell had before.
__falenv_off() {
    __falenv_keep_pin
    if [[ $__falenv_why == none ]]; then
        __falenv_restore FAL_PROFILE
    else
        # A key that the user has set since stays.
        __falenv_owns_key || __falenv_was_FAL_KEY=
        \builtin eval "__falenv_restore $__falenv_vars FAL_PROFILE"
    fi
    if [[ -n ${FALENV_NONE-} ]]; then
        __falenv_restore FAL_HOME_DIR
    fi
    \builtin unset FALENV_NONE FALENV_KEPT_ID FALENV_UNTIL FALENV_AFTER
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
            [[ $__falenv_code != 0 ]] || __falenv_after_command "${1-}"
            return "$__falenv_code"
            ;;
    esac
}

# Command $1 was done. Follow a switch. After an edit take the new key and host of this shell's profile.
# Nothing else changes the shell before its next prompt.
__falenv_after_command() {
    case $__falenv_switches in
        *" $1 "*)
            __falenv_follow switch
            __falenv_tell_aside
            ;;
    esac
    case $__falenv_edits in
        *" $1 "*)
            if [[ -n $__falenv_name ]] && __falenv_is_untouched; then
                __falenv_stay=yes
                if __falenv_apply '' || __falenv_take_edit; then
                    __falenv_note_state
                fi
                __falenv_stay=
            fi
            ;;
    esac
}

# Take the new key and host of this shell's profile from the program. It is asked for a pinned shell, so
# keep the reason. Keep the old index too, so that the next prompt follows a switch made meanwhile.
__falenv_take_edit() {
    local __falenv_out='' __falenv_reason=$__falenv_why __falenv_kept=$__falenv_index
    __falenv_out=$(
        __falenv_state "$__falenv_name" --was "$__falenv_name" </dev/null 2>/dev/null
    ) || return 1
    \builtin eval "$__falenv_out"
    __falenv_why=$__falenv_reason __falenv_index=$__falenv_kept
}
