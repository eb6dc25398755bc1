# shellcheck shell=sh
# falenv's integration for dash, ksh93, mksh and other POSIX shells.
#
# Sent after a prelude of assignments and before a state; README.md in this folder describes both.
# The functions have the names and meanings of core.sh.
#
# ksh93 and mksh run the hook while they expand PS1. The other shells have no hook, and follow when
# a switch is typed. No form of `local` works in all of them, so variables are global and set before
# use; only $1, $2 and so on are local. Nothing starts a process except the program, and `$(…)` while
# the integration is loaded or removed.
#
# Every name begins with __falenv_, except the functions fal, falenv and falenv_prompt. No variable holds a
# key, except __falenv_old_*: what the user had before. A backslash gets past the user's aliases.
# Everything but __falenv_idle runs under __falenv_guarded, or in a state, where nothing depends on
# the user's options. Nothing depends on IFS.
# shellcheck disable=SC2154,SC3013,SC3067  # the prelude's variables; -nt and -ot; -O
# shellcheck disable=SC2119,SC2120  # the arguments come through __falenv_guarded

# The environment can bring any variable, but no function: only a shell that has them was here before.
if \command -v __falenv_guarded >/dev/null; then __falenv_loaded=yes; else __falenv_loaded=; fi

# --- What POSIX sh lacks -------------------------------------------------------------------------

# Call $1 with each of the names in $2.
__falenv_each() {
    \set -- "$1" "$2 "
    while [ -n "$2" ]; do
        "$1" "${2%% *}"
        \set -- "$1" "${2#* }"
    done
}

# Replace $2 by $3 wherever it stands in $1, into __falenv_filled.
__falenv_replace() {
    __falenv_filled=
    while :; do
        case $1 in
            *"$2"*)
                __falenv_filled=$__falenv_filled${1%%"$2"*}$3
                \set -- "${1#*"$2"}" "$2" "$3"
                ;;
            *) break ;;
        esac
    done
    __falenv_filled=$__falenv_filled$1
}

# mksh has no printf, and most others have no print.
__falenv_print() {
    \eval "\\command $__falenv_printer \"\$1\""
}

# --- What the shell had before --------------------------------------------------------------------

# Remember variable $1 as it is: exported, set or unset.
__falenv_keep() {
    \eval "\\set -- $1 \"\${$1+set}\""
    if [ -n "$2" ]; then
        case "
$(\export -p)" in
            *"
export $1="* | *"
typeset -x $1="* | *"
declare -x $1="*) \set -- "$1" exported ;;
        esac
        \eval "__falenv_old_$1=\$$1"
    fi
    \eval "__falenv_was_$1=\${2:-unset}"
}

# Restore variable $1 to what __falenv_keep found.
__falenv_restore() {
    \eval "\\set -- $1 \"\${__falenv_was_$1-}\""
    case $2 in
        exported) \eval "\\export $1=\"\$__falenv_old_$1\"" ;;
        set) \eval "\\unset $1; $1=\$__falenv_old_$1" ;;
        unset) \unset "$1" ;;
    esac
}

# Forget what __falenv_keep found of variable $1.
__falenv_forget() {
    \unset "__falenv_was_$1" "__falenv_old_$1"
}

__falenv_keep_pin() {
    if [ "${FAL_PROFILE-}" != "$__falenv_pin" ]; then
        __falenv_keep FAL_PROFILE
    fi
}

# Remember all variables when a shell is new. A shell started from an integrated one has variables that
# falenv exported there, which do not belong to the user.
__falenv_keep_all() {
    __falenv_each __falenv_keep "$__falenv_vars FAL_PROFILE"
    __falenv_pin=${FAL_PROFILE-}
    __falenv_each __falenv_disown 'FALENV_PROFILE FALENV_KEY_ID FALENV_MARK'
    if [ -n "${FALENV_NONE-}" ]; then
        __falenv_each __falenv_disown 'FAL_PROFILE FAL_HOME_DIR'
    elif [ -n "${FALENV_PROFILE-}" ]; then
        __falenv_each __falenv_disown 'FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST'
        if [ "${FAL_PROFILE-}" = "$FALENV_PROFILE" ]; then
            __falenv_disown FAL_PROFILE
            case ${FALENV_MARK-} in "$__falenv_mark_folder"*) __falenv_guard=$FAL_PROFILE ;; esac
        fi
        __falenv_key_id "${FAL_KEY-}"
        if [ "$__falenv_own" = "${FALENV_KEY_ID-}" ]; then
            __falenv_disown FAL_KEY
        elif [ -n "$__falenv_own" ] && [ "$__falenv_own" != "${FALENV_KEPT_ID-}" ]; then
            __falenv_foreign=yes
        fi
    fi
}

# Variable $1 is one that falenv has set: `off` unsets it.
__falenv_disown() {
    \eval "__falenv_was_$1=unset"
}

# Assign the id of key $1 to __falenv_own: the part before the colon, or - for a key without one.
__falenv_key_id() {
    case $1 in
        *:*) __falenv_own=${1%%:*} ;;
        *) __falenv_own=${1:+-} ;;
    esac
}

# Assign the id of the key that the shell had before falenv to __falenv_own.
__falenv_find_own() {
    __falenv_own=
    if [ "$__falenv_was_FAL_KEY" != unset ]; then
        __falenv_key_id "${__falenv_old_FAL_KEY-}"
    fi
}

__falenv_give_back() {
    case $__falenv_why:${FALENV_PROFILE-} in
        none:* | '':) ;;
        failed:* | nobody:* | *:?*) __falenv_each __falenv_restore "$__falenv_vars" ;;
    esac
}

__falenv_set_aside() {
    if [ "$__falenv_why" = none ] && [ -z "${FALENV_PROFILE-}" ]; then
        __falenv_each __falenv_keep "$__falenv_vars"
        __falenv_disown FALENV_MARK
        __falenv_foreign=
    fi
    # A start-up file may set the same key again in a child shell. There it is not the user's choice, as
    # a foreign key is.
    if [ "$__falenv_was_FAL_KEY" != unset ] && [ -z "$__falenv_foreign" ]; then
        __falenv_find_own
        \export "FALENV_KEPT_ID=$__falenv_own"
    fi
    __falenv_note_payer
    if [ -n "$__falenv_rivals_set" ]; then
        __falenv_aside=
        __falenv_each __falenv_find_rival "$__falenv_rivals"
    fi
}

# Add variable $1 to __falenv_aside if it is set.
__falenv_find_rival() {
    \eval "\\set -- $1 \"\${$1+x}\""
    [ -z "$2" ] || __falenv_aside="$__falenv_aside $1"
}

__falenv_tell_aside() {
    if [ -n "$__falenv_aside" ] && [ "$__falenv_aside" != "$__falenv_told_aside" ]; then
        __falenv_print "$__falenv_rivals_aside$__falenv_aside
" >&2
        __falenv_told_aside=$__falenv_aside
    fi
    __falenv_aside=
}

# --- Following the store and the folder ----------------------------------------------------------

__falenv_note_state() {
    # FAL_PROFILE guards a linked profile without a key (core.sh says why).
    if [ -n "$__falenv_guard" ] && [ "${FAL_PROFILE-}" = "$__falenv_guard" ]; then
        \unset FAL_PROFILE
    fi
    __falenv_guard=
    if [ "$__falenv_why" = folder ] && [ -z "$__falenv_id" ]; then
        __falenv_guard=$__falenv_name
        \export "FAL_PROFILE=$__falenv_name"
    fi
    [ -z "$__falenv_seconds" ] || __falenv_use_copy
    __falenv_set_mark
    __falenv_pin=${FAL_PROFILE-}
    __falenv_marked=${FALENV_PROFILE-}:${FALENV_KEY_ID-}
    __falenv_where=${FAL_CONFIG_PATH-}:${HOME-}
    __falenv_around=
    if [ -z "${__falenv_pwd+set}" ]; then
        __falenv_find_links
    fi
    __falenv_moved='' __falenv_dotenv=yes
    __falenv_show
}

__falenv_use_copy() {
    case $__falenv_index in
        '' | */.seconds/*) ;;
        *) __falenv_index=${__falenv_index%/*}/.seconds/${__falenv_index##*/} ;;
    esac
}

__falenv_same_store() {
    [ "${FAL_CONFIG_PATH-}:${HOME-}" = "$__falenv_where" ]
}

__falenv_note_payer() {
    __falenv_key_id "${FAL_KEY-}"
    __falenv_payer=$__falenv_own:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-}
    __falenv_rivals_set=${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}
    __falenv_rivals_set=$__falenv_rivals_set${FAL_GRPC_HOST+x}${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}
    __falenv_rivals_set=$__falenv_rivals_set${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x}
}

__falenv_is_untouched() {
    __falenv_note_payer
    [ -z "$__falenv_name" ] || [ "$__falenv_payer:$__falenv_rivals_set" = "$__falenv_ours:" ]
}

__falenv_set_mark() {
    case $__falenv_why in
        pin) \set -- "$__falenv_mark_pin" ;;
        folder) \set -- "$__falenv_mark_folder" ;;
        *) \set -- '' ;;
    esac
    \set -- "$1$__falenv_suffix"
    [ -z "$__falenv_name" ] || __falenv_is_untouched || \set -- "$__falenv_mark_touched"
    if [ -n "$__falenv_name" ] && [ -n "$1" ]; then
        \export "FALENV_MARK=$1"
    else
        \unset FALENV_MARK
    fi
}

__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [ -z "$__falenv_id" ] ;;
        *:*) [ "${FAL_KEY%%:*}" = "$__falenv_id" ] ;;
        *) [ "$__falenv_id" = - ] ;;
    esac
}

# True if the user owns file $1 and its folder. The program keeps others from writing there.
__falenv_is_ours() {
    [ -O "${1%/*}" ] && [ -O "$1" ] && [ -f "$1" ] && [ -r "$1" ] && [ ! -L "$1" ]
}

# False in a shell without -nt, such as posh, which asks the program each time.
__falenv_is_fresh() {
    case $1 in
        */none-*) [ -e "$1" ] && [ ! -e "$__falenv_store" ] ;;
        *)
            # For dash a missing file is neither newer nor older.
            [ -z "$__falenv_blind" ] && [ -e "$1" ] && [ -e "$__falenv_store" ] &&
                [ ! "$__falenv_store" -nt "$1" ] && [ ! "$__falenv_store" -ot "$1" ]
            ;;
    esac
}

# Note the .fal-profile files in this folder and above, nearest first, with their texts. Set
# __falenv_moved if any of them has changed. Set __falenv_dotenv in another folder that has an .env
# file of its own.
__falenv_find_links() {
    if [ "${PWD-}" != "${__falenv_pwd-}" ]; then
        __falenv_dotenv=
        if [ -f "${PWD%/}/.env" ] || [ -f "${PWD%/}/.env.local" ]; then
            __falenv_dotenv=yes
        fi
    fi
    __falenv_pwd=${PWD-}
    \set -- "${__falenv_pwd%/}/" "${__falenv_seen-}"
    __falenv_seen=''
    while :; do
        case $1 in
            /*) \set -- "${1%/*}" "$2" ;;
            *) break ;;
        esac
        if [ -e "$1/.fal-profile" ] || [ -L "$1/.fal-profile" ]; then
            __falenv_read_link "$1/.fal-profile"
            __falenv_seen=$__falenv_seen$1:$__falenv_text:
        fi
    done
    if [ "$__falenv_seen" != "$2" ]; then
        __falenv_moved=yes
    fi
}

# True if file $1 can be a .fal-profile that counts: a regular file of the user's own. posh has no -O.
__falenv_is_link() {
    [ -f "$1" ] && [ -r "$1" ] && [ -z "$__falenv_blind" ] && [ -O "$1" ] && [ ! -L "$1" ]
}

# Read the text of file $1 into __falenv_text. Its first two lines are enough to see that it has more
# than one, and the beginning of a long line is enough where `read` can stop.
__falenv_read_link() {
    __falenv_text=''
    __falenv_is_link "$1" || return 0
    {
        IFS='' \read -r ${__falenv_most:+"$__falenv_most"} __falenv_text || :
        IFS='' \read -r ${__falenv_most:+"$__falenv_most"} __falenv_entry ||
            [ -n "$__falenv_entry" ] || return 0
    } <"$1"
    __falenv_text="$__falenv_text
$__falenv_entry"
}

__falenv_choose() {
    if [ -n "$__falenv_stay" ]; then
        __falenv_want=$__falenv_name __falenv_by=$__falenv_why
        return 0
    fi
    __falenv_want=$1 __falenv_by=pin
    [ -z "$1" ] || return 0
    __falenv_by=default
    [ -n "$__falenv_seen" ] || return 0
    # The nearest file that the user has allowed counts. The others are passed over.
    \set -- "${__falenv_pwd%/}/"
    while :; do
        case $1 in
            /*) \set -- "${1%/*}" ;;
            *) return 0 ;;
        esac
        [ -e "$1/.fal-profile" ] || [ -L "$1/.fal-profile" ] || continue
        __falenv_replace "$1/.fal-profile" % %%
        __falenv_replace "$__falenv_filled" / %-
        __falenv_word=''
        if [ -e "$__falenv_verdicts/$__falenv_filled" ]; then
            __falenv_read_note "$__falenv_verdicts/$__falenv_filled" "$1/.fal-profile" || return 1
        elif [ -e "$__falenv_notices/$__falenv_filled" ]; then
            __falenv_read_note "$__falenv_notices/$__falenv_filled" "$1/.fal-profile" || return 1
        elif [ ! -e "$1/.fal-profile" ]; then
            __falenv_word=denied # a link that leads nowhere is no file
        fi
        case $__falenv_word in
            allowed)
                # The verdict is about this text, and about a file of the user's own.
                __falenv_is_link "$1/.fal-profile" && __falenv_has_text "$1/.fal-profile" || return 1
                __falenv_want=$__falenv_name_in_note __falenv_by=folder
                return 0
                ;;
            denied) ;;
            noticed)
                ! __falenv_is_link "$1/.fal-profile" || __falenv_has_text "$1/.fal-profile" ||
                    return 1
                ;;
            *) return 1 ;;
        esac
    done
}

# Read note $1, which has to be about file $2: the verdict, and the text that it is about.
__falenv_read_note() {
    __falenv_is_ours "$1" || return 1
    {
        IFS='' \read -r __falenv_word || :
        IFS='' \read -r __falenv_name_in_note || :
        IFS='' \read -r __falenv_entry || :
    } <"$1"
    [ "$__falenv_entry" = "$2" ]
}

# True if file $1 has the text of the note that was read. mksh's `read -n` keeps the line break.
__falenv_has_text() {
    __falenv_read_link "$1"
    [ "${__falenv_text%"
"}" = "$__falenv_name_in_note" ]
}

__falenv_apply() {
    if __falenv_try_apply "$1" "${2-}"; then
        \set -- 0
    else
        \set -- 1
    fi
    \unset __falenv_key __falenv_line __falenv_cut
    return "$1"
}

__falenv_try_apply() {
    [ -n "$__falenv_index" ] && [ -z "${FALENV_NONE-}${FALENV_UNTIL-}$__falenv_blind" ] && __falenv_same_store &&
        __falenv_choose "$1" || return 1
    __falenv_n=''
    \set -- "$2" "$2"
    for __falenv_now in "${__falenv_index%/*}"/*; do
        ! __falenv_is_fresh "$__falenv_now" || break
    done
    __falenv_is_ours "$__falenv_now" || return 1
    {
        IFS=' ' \read -r __falenv_flag __falenv_entry || return 1
        __falenv_want=${__falenv_want:-$__falenv_entry}
        while IFS=' ' \read -r __falenv_line __falenv_entry; do
            case $__falenv_line in -*) break ;; esac
            if [ "$__falenv_entry" = "$__falenv_want" ]; then
                __falenv_n=$__falenv_line
            fi
            if [ "$__falenv_entry" = "$1" ]; then
                \set -- '' "$2"
            fi
        done
    } <"$__falenv_now"
    # Without a default no profile is active. If this shell was on one, the program reports that.
    if [ -z "$__falenv_want$2" ]; then
        __falenv_n=0 __falenv_by=none
    fi
    __falenv_url='' __falenv_host='' __falenv_table='' __falenv_key=''
    case $__falenv_n in *@*) __falenv_url=${__falenv_n#*@} ;; esac
    __falenv_n=${__falenv_n%%@*}
    __falenv_n=${__falenv_n%%';'*}
    # The shell would run anything but a number as an expression.
    case $1:$__falenv_n in
        *[!0-9:]* | :0?*) return 1 ;;
        :0) ;;
        :[1-9]*)
            [ -r "$__falenv_store" ] && [ -O "$__falenv_store" ] || return 1
            {
                while [ "$((__falenv_n -= 1))" -ge 0 ]; do
                    # The last line may have no line break.
                    IFS='	 ' \read -r __falenv_line || [ -n "$__falenv_line" ] || return 1
                    case $__falenv_line in
                        '['*) __falenv_table=$__falenv_line __falenv_key='' __falenv_host='' ;;
                        key[=\ '	']*) __falenv_key=$__falenv_line ;;
                        host[=\ '	']*) __falenv_host=$__falenv_line ;;
                    esac
                done
            } <"$__falenv_store"
            # Whatever the index says, take a key only from under the profile's own header.
            __falenv_cut_name "$__falenv_table"
            [ "$__falenv_cut" = "$__falenv_want" ] || return 1
            __falenv_cut_value "$__falenv_host"
            __falenv_host=$__falenv_cut
            __falenv_cut_value "$__falenv_key"
            __falenv_key=$__falenv_cut
            [ -n "$__falenv_key" ] || return 1
            ;;
        *) return 1 ;;
    esac
    # The host in the store must be the one in the index, or the key would go to another.
    [ "$__falenv_host" = "$__falenv_url" ] || return 1
    # Nothing may have changed while this function read, nor may the store belong to someone else now.
    __falenv_is_fresh "$__falenv_now" || return 1
    [ -z "$__falenv_key" ] || [ -O "$__falenv_store" ] || return 1

    case $__falenv_key in
        *:*) __falenv_id=${__falenv_key%%:*} ;;
        *) __falenv_id=${__falenv_key:+-} ;;
    esac
    if [ "$__falenv_by" = none ]; then
        __falenv_give_back
    else
        __falenv_set_aside
        __falenv_each unset "$__falenv_vars"
        \export "FALENV_PROFILE=$__falenv_want"
        if [ -n "$__falenv_key" ]; then
            \export "FAL_KEY=$__falenv_key" "FALENV_KEY_ID=$__falenv_id"
        fi
        # The official CLI takes the default's host from the store, if no variable names another.
        [ "$__falenv_flag:$__falenv_host" != @: ] || __falenv_host=$__falenv_default_host
        if [ -n "$__falenv_host" ]; then
            # As the official CLI derives them (fal/flags.py): each part is replaced once.
            \export "FAL_HOST=$__falenv_host"
            case $__falenv_host in
                *api.*) __falenv_host=${__falenv_host%%api.*}${__falenv_host#*api.} ;;
            esac
            case $__falenv_host in
                *alpha.*) __falenv_host=${__falenv_host%%alpha.*}${__falenv_host#*alpha.} ;;
            esac
            case $__falenv_host in
                *.ai*) __falenv_host=${__falenv_host%%.ai*}.run${__falenv_host#*.ai} ;;
            esac
            \export "FAL_RUN_HOST=$__falenv_host" "FAL_QUEUE_RUN_HOST=queue.$__falenv_host"
        fi
    fi
    __falenv_ours=$__falenv_id:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-}
    __falenv_name=$__falenv_want __falenv_shown=$__falenv_want
    __falenv_why=$__falenv_by __falenv_suffix=''
    # After an edit the old index stays, so that the next prompt follows a switch made meanwhile.
    [ -n "$__falenv_stay" ] || __falenv_index=$__falenv_now
}

# Assign the name in table header $1 to __falenv_cut; empty if the header is not one name, or has an
# escape. falenv/index.py cuts in the same way.
__falenv_cut_name() {
    \set -- "${1#'['}"
    __falenv_cut=${1%%[!\ '	']*}
    \set -- "${1#"$__falenv_cut"}"
    case $1 in
        \"*\"*)
            __falenv_cut=${1#\"}
            __falenv_cut=${__falenv_cut%%\"*}
            \set -- "${1#\"*\"}"
            case $__falenv_cut in *\\*) __falenv_cut= ;; esac
            ;;
        \'*\'*)
            __falenv_cut=${1#\'}
            __falenv_cut=${__falenv_cut%%\'*}
            \set -- "${1#\'*\'}"
            ;;
        *)
            __falenv_cut=${1%%[]\ '	']*}
            \set -- "${1#"$__falenv_cut"}"
            # A dot makes two names of it, and a bracket an array.
            case $__falenv_cut in *[].[\"\']*) __falenv_cut= ;; esac
            ;;
    esac
    \set -- "${1#"${1%%[!\ '	']*}"}"
    case $1 in ']'*) ;; *) __falenv_cut= ;; esac
}

# Assign the text from the first quote in $1, of either kind, to the next one of the same kind, to
# __falenv_cut; empty if there is none.
__falenv_cut_value() {
    __falenv_cut=${1%%[\"\']*}
    \set -- "${1#"$__falenv_cut"}"
    case $1 in
        \"*\"*)
            __falenv_cut=${1#\"}
            __falenv_cut=${__falenv_cut%%\"*}
            ;;
        \'*\'*)
            __falenv_cut=${1#\'}
            __falenv_cut=${__falenv_cut%%\'*}
            ;;
        *) __falenv_cut= ;;
    esac
}

# Print the state for pin $1, by a process. Further arguments go to the program. It may ask the user, so
# a hook gives it no standard input. `-I` keeps Python from running code that the current folder or
# Python's variables name.
__falenv_state() {
    __falenv_find_own
    __falenv_text=$1
    \shift
    # Without the mark, FAL_PROFILE is a pin, whatever has chosen the profile until now.
    FAL_PROFILE=$__falenv_text FALENV_MARK='' __falenv_own_key_id=$__falenv_own \
        "$__falenv_python" -I "$__falenv_main" profile refresh --shell sh --protocol "$__falenv_protocol" \
        ${__falenv_seconds:+"--seconds"} "$@"
}

# If Ctrl-C interrupts ksh93 while it expands PS1, it prints prompts without end. So only the program
# that the hook waits for gets it.
__falenv_hold_interrupt() {
    [ -n "$__falenv_virtual" ] || return 0
    # `trap -p INT` would print the action without quotes.
    __falenv_trap=$(\trap)
    \trap : INT
}

__falenv_release_interrupt() {
    [ -n "$__falenv_virtual" ] || return 0
    \trap - INT
    \eval "$__falenv_trap"
}

__falenv_follow() {
    __falenv_keep_pin
    __falenv_find_links
    # The program does not repeat what it has said about a version of the store.
    \set -- "$1" "$__falenv_moved"
    __falenv_moved='' __falenv_missed=''
    if [ "$1" = change ]; then
        [ -z "${FALENV_NONE-}" ] || return 0
        if ! __falenv_is_untouched; then
            __falenv_missed=yes # core.sh says why
            return 0
        fi
        case $2 in
            '') \set -- "$__falenv_name" "${__falenv_index##*/}" ;;
            *) \set -- "$__falenv_name" '' ;;
        esac
    else
        \set -- '' ''
    fi
    __falenv_find_pin
    if __falenv_apply "$__falenv_users_pin" "$1"; then
        __falenv_note_state
        return 0
    fi
    __falenv_hold_interrupt
    __falenv_out=$(__falenv_state "$__falenv_users_pin" "--was=$1" "--seen=$2" </dev/null)
    \set -- "$?"
    __falenv_release_interrupt
    if [ -n "$__falenv_out" ]; then
        # The shell expands the variable before the first line unsets it.
        \eval "\\unset __falenv_out
$__falenv_out"
    else
        case $1 in
            130 | 258) ;; # Ctrl-C; ksh93 adds 256
            *) __falenv_index= ;;
        esac
    fi
}

# Assign the user's pin to __falenv_users_pin; empty without one.
__falenv_find_pin() {
    __falenv_users_pin=${FAL_PROFILE-}
    if [ -n "$__falenv_guard" ] && [ "$__falenv_users_pin" = "$__falenv_guard" ]; then
        __falenv_users_pin=
    fi
}

# A new shell gets this call instead of a state, so that its code has no key in it.
__falenv_start() {
    __falenv_guarded __falenv_begin || :
    \unset __falenv_cached __falenv_hint
}

__falenv_begin() {
    if [ -n "$__falenv_failure" ]; then
        __falenv_fail "$__falenv_failure"
        __falenv_failure=
        return
    fi
    \set -- ''
    [ "$__falenv_foreign" != yes ] || \set -- "$FAL_KEY"
    if [ -n "${FALENV_UNTIL-}" ]; then
        # `FAL_PROFILE=… sh` has no end.
        [ "${FAL_PROFILE-}" = "${FALENV_PROFILE-}" ] || \unset FALENV_UNTIL FALENV_AFTER
        [ -z "${FALENV_UNTIL-}" ] || __falenv_end_time || :
    fi
    [ -z "$1" ] || __falenv_foreign=kept
    [ -z "$__falenv_seconds" ] || __falenv_use_copy
    __falenv_follow start
    # `FAL_KEY=… sh` in an integrated shell: the user has chosen the key.
    if [ -n "$1" ] && [ -n "$__falenv_name" ]; then
        \unset FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST
        \export "FAL_KEY=$1"
        __falenv_set_mark
        __falenv_show
    fi
    # Not at the first prompt, which ksh93 draws wrong if the hook reads a file there.
    if [ -n "$__falenv_hooked" ] && [ -n "$__falenv_run" ]; then
        __falenv_check_dotenv
    fi
}

__falenv_fail() {
    if [ "$1" = none ]; then
        __falenv_give_back
    else
        __falenv_each unset "$__falenv_vars"
    fi
    __falenv_name='' __falenv_shown='' __falenv_id='' __falenv_ours='' __falenv_why=$1
    __falenv_suffix=''
    __falenv_note_state
}

__falenv_idle() {
    [ -x "$__falenv_exe" ] && [ "${FALENV_PROMPT-}" = "$__falenv_styled" ] &&
        [ "${FAL_PROFILE-}:${FALENV_PROFILE-}:${FALENV_KEY_ID-}:${FAL_CONFIG_PATH-}:${HOME-}" = "$__falenv_around" ] &&
        __falenv_pays_as_before || return 1
    __falenv_find_links
    [ -z "$__falenv_moved$__falenv_dotenv" ] && __falenv_is_fresh "$__falenv_index"
}

# True if the user has changed nothing since __falenv_note_payer.
__falenv_pays_as_before() {
    \set -- "$__falenv_payer:$__falenv_rivals_set"
    __falenv_note_payer
    [ "$__falenv_payer:$__falenv_rivals_set" = "$1" ]
}

__falenv_check() {
    __falenv_find_links
    if [ -n "$__falenv_moved${__falenv_missed-}" ] ||
        { [ -n "$__falenv_index" ] && ! __falenv_is_fresh "$__falenv_index"; }; then
        __falenv_follow change
    fi
}

# `use --for` holds until FALENV_UNTIL (core.sh). Return 1 if the pin stays.
__falenv_end_time() {
    # A pin that someone has set since has no end.
    if [ "${FAL_PROFILE-}" = "$__falenv_pin" ]; then
        __falenv_read_clock
        case $FALENV_UNTIL in
            [!1-9]* | *[!0-9]* | ???????????*) ;;
            *) [ "$__falenv_clock" -ge "$FALENV_UNTIL" ] || return 1 ;;
        esac
        [ "${FALENV_AFTER-}" != "$__falenv_nobody" ] || __falenv_keep FAL_HOME_DIR
        if [ -n "${FALENV_AFTER-}" ]; then
            \export "FAL_PROFILE=$FALENV_AFTER"
        else
            \unset FAL_PROFILE
        fi
        __falenv_pin=${FAL_PROFILE-}
    fi
    \unset FALENV_UNTIL FALENV_AFTER
}

# Assign the seconds since 1970 to __falenv_clock. Only ksh93 and mksh know them.
__falenv_read_clock() {
    if [ -n "$__falenv_virtual" ]; then
        __falenv_clock=$(\command printf '%(%s)T' now)
    elif [ -n "$__falenv_hooked" ] && [ -n "${EPOCHREALTIME-}" ]; then
        __falenv_clock=${EPOCHREALTIME%%[!0-9]*}
    else
        __falenv_clock=$(/bin/date +%s)
    fi
}

# Go back from `use --for` if its time has come. A shell without a hook looks at each `fal` command.
__falenv_check_time() {
    if __falenv_end_time; then
        __falenv_follow switch
        __falenv_print "$__falenv_time_over
" >&2
    fi
}

# If an .env file of this folder has another key than the shell, the program says so (core.sh).
__falenv_check_dotenv() {
    __falenv_dotenv=
    [ -n "$__falenv_name" ] && [ -n "${FAL_KEY-}" ] || return 0
    __falenv_key_id "$FAL_KEY"
    \set -- "${__falenv_pwd%/}/.env" "${__falenv_pwd%/}/.env.local" ''
    while [ -n "$1" ]; do
        if [ -f "$1" ] && ! __falenv_is_noted "$1"; then
            \set -- "$@" "$1"
        fi
        \shift
    done
    \shift
    [ $# -gt 0 ] || return 0
    __falenv_hold_interrupt
    "$__falenv_python" -I "$__falenv_main" profile dotenv "$@" </dev/null || :
    __falenv_release_interrupt
    while [ $# -gt 0 ]; do
        __falenv_is_noted "$1" || __falenv_unnoted=${__falenv_unnoted-}:$1:
        \shift
    done
}

# True if a note says that nothing is to be said about .env file $1, or if this shell has asked.
__falenv_is_noted() {
    case ${__falenv_unnoted-} in *":$1:"*) return 0 ;; esac
    __falenv_replace "$1" % %%
    __falenv_replace "$__falenv_filled" / %-
    \set -- "$1" "$__falenv_notices/$__falenv_filled"
    [ -e "$2" ] && [ ! "$1" -nt "$2" ] && [ ! "$1" -ot "$2" ] &&
        __falenv_read_note "$2" "$1" || return 1
    case $__falenv_word:$__falenv_name_in_note in
        noticed:* | seen: | "seen:$__falenv_own") ;;
        *) return 1 ;;
    esac
}

# The hook's slow part: something is not as it was at the last prompt.
__falenv_catch_up() {
    if [ ! -x "$__falenv_exe" ] || [ ! -r "$__falenv_main" ]; then
        __falenv_print "$__falenv_gone
" >&2
        # ksh93 is just expanding PS1 and would read on in a changed one. What stays does nothing.
        if [ "${1-}" != prompt ]; then
            __falenv_unshow
        fi
        __falenv_remove
        return
    fi
    [ -z "${FALENV_UNTIL-}" ] || __falenv_check_time
    if [ "${FAL_PROFILE-}:${FALENV_PROFILE-}:${FALENV_KEY_ID-}" != "$__falenv_pin:$__falenv_marked" ] ||
        ! __falenv_same_store; then
        __falenv_follow switch
    else
        __falenv_check
    fi
    __falenv_set_mark
    __falenv_tell_aside
    [ -z "${__falenv_dotenv-}" ] || __falenv_check_dotenv
    __falenv_show
    __falenv_note_payer
    __falenv_around=$__falenv_pin:$__falenv_marked:$__falenv_where
    # As long as `use --for` runs, no prompt is idle.
    [ -z "${FALENV_UNTIL-}" ] || __falenv_around=
    __falenv_styled=${FALENV_PROMPT-}
}

# --- The prompt ----------------------------------------------------------------------------------

# Fill in format $1, into __falenv_filled.
__falenv_fill() {
    \set -- "$1" "${FALENV_MARK-}" "$__falenv_shown"
    # The mark of a shell that the user has touched shows in any format.
    case $2:$1 in
        "$__falenv_mark_touched:"*'{mark}'*) ;;
        "$__falenv_mark_touched:"*'{name}'*) \set -- "${1%%'{name}'*}{name}{mark}${1#*'{name}'}" "$2" "$3" ;;
        "$__falenv_mark_touched:"*) \set -- "{mark}$1" "$2" "$3" ;;
    esac
    case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
        *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) ;;
        *)
            __falenv_filled=
            while [ -n "$3" ]; do
                case $3 in
                    [\ -~]*) __falenv_filled=$__falenv_filled${3%"${3#?}"} ;;
                    *) __falenv_filled=$__falenv_filled'?' ;;
                esac
                \set -- "$1" "$2" "${3#?}"
            done
            \set -- "$1" "$2" "$__falenv_filled"
            ;;
    esac
    __falenv_replace "$1" '{why}' "$__falenv_why"
    __falenv_replace "$__falenv_filled" '{mark}' "$2"
    # The name last: what it contains is not filled in again.
    __falenv_replace "$__falenv_filled" '{name}' "$3"
    # For ksh93 a lone one is the number of the command.
    [ -z "$__falenv_bang" ] || __falenv_replace "$__falenv_filled" ! "$__falenv_bang"
    [ -n "$__falenv_name" ] || __falenv_filled=
}

# For the user's own PS1, in single quotes: '$(falenv_prompt)\$ '. Print the active profile in format
# $1, else in that of FALENV_PROMPT, else in the default one.
falenv_prompt() {
    if [ "${FALENV_PROMPT:-off}" = off ]; then
        __falenv_fill "${1:-$__falenv_format}"
    else
        __falenv_fill "${1:-$FALENV_PROMPT}"
    fi
    __falenv_print "$__falenv_filled"
}

# Put the hook, if there is one, and the segment in front of the prompt. PS1 names a variable, because
# the shell does not expand its value again. The segment has no colour: each shell marks escape
# sequences in PS1 in its own way, or not at all.
__falenv_show() {
    __falenv_segment=
    [ -n "$__falenv_run" ] || return 0
    # ksh93 sets PS1 only after the start-up file. These are its defaults.
    if [ -z "${PS1+set}" ]; then
        if [ -O / ]; then PS1='# '; else PS1='$ '; fi
    fi
    case $PS1 in
        *"$__falenv_ps1"*) ;;
        *)
            # If mksh finds a carriage return as the second character of PS1, the first one marks
            # escape sequences. Both have to stay in front.
            case ${__falenv_return:+$PS1} in
                ?"$__falenv_return"*) \set -- "${PS1#??}" ;;
                *) \set -- "$PS1" ;;
            esac
            PS1=${PS1%"$1"}$__falenv_ps1$1
            ;;
    esac
    if [ -n "$__falenv_name" ] && [ -z "$__falenv_segment_off" ] &&
        [ "${FALENV_PROMPT-}" != off ]; then
        case $PS1 in
            *falenv_prompt*) ;;
            *)
                __falenv_fill "${FALENV_PROMPT:-$__falenv_format}"
                __falenv_segment=$__falenv_filled
                ;;
        esac
    fi
}

# Take the hook and the segment out of PS1.
__falenv_unshow() {
    case ${PS1-} in
        *"$__falenv_ps1"*) PS1=${PS1%%"$__falenv_ps1"*}${PS1#*"$__falenv_ps1"} ;;
    esac
}

# --- The command ---------------------------------------------------------------------------------

# Run "$@" without the options that would end the shell at a false test (-e, -u), export our
# variables (-a), print a key (-v, -x) or keep a pattern from matching (-f). `if` keeps the user's ERR
# trap from running in here. The two variables have one underscore, because `off` unsets all names
# that begin with two while this function runs. If Ctrl-C interrupts it, the next call restores the
# options.
__falenv_guarded() {
    {
        _falenv_flags=${_falenv_flags-}$-
        \set +aefuvx
        if [ -n "${__falenv_virtual-}" ]; then
            # ksh93 runs a DEBUG trap in here, and shows it the key.
            # shellcheck disable=SC3045,SC3047
            _falenv_trap=$(\trap -p DEBUG)
            # shellcheck disable=SC3047
            \trap - DEBUG
        fi
    } 2>/dev/null
    if "$@"; then
        _falenv_status=0
    else
        _falenv_status=$?
    fi
    \set -- "$_falenv_flags" "$_falenv_status" "${_falenv_trap-}"
    \unset _falenv_flags _falenv_status _falenv_trap
    [ -z "$3" ] || \eval "\\trap -- $3 DEBUG"
    case $1 in *a*) \set -a ;; esac
    case $1 in *f*) \set -f ;; esac
    case $1 in *u*) \set -u ;; esac
    case $1 in *v*) \set -v ;; esac
    case $1 in *e*) \set -e ;; esac
    case $1 in *x*) \set -x ;; esac
    return "$2"
}

# Runs from PS1. The rest of the prompt and the next command see the $? from before it.
__falenv_hook() {
    \set -- "$?"
    case $-${_falenv_flags-} in
        *[aefuvx]*) __falenv_guarded __falenv_catch_up prompt || : ;;
        *) __falenv_idle || __falenv_guarded __falenv_catch_up prompt || : ;;
    esac
    return "$1"
}

# Run `fal profile …` by the program, and tell it what a change means here. A subshell has the same $$
# as its parent, so the program compares $$ with its parent process. ksh93 also has subshells that
# are not processes.
__falenv_program() {
    \set -- live "$@"
    if [ -n "$__falenv_virtual" ] && \eval "[ $__falenv_virtual -gt 0 ]"; then
        \shift
        \set -- '' "$@"
    fi
    if [ -n "$__falenv_hooked" ] && [ -n "$__falenv_run" ] && __falenv_owns_key; then
        __falenv_word=later
    else
        __falenv_word=
    fi
    __falenv_word=${1:+$1:$$:}$__falenv_word
    \shift
    __falenv_find_own
    case " $* " in
        *' --from-env '*)
            if [ -n "$__falenv_name" ] && __falenv_is_untouched; then
                # The user means the key from before falenv.
                FALENV_KEY_ID='' FAL_KEY=${__falenv_old_FAL_KEY-} \
                    FAL_KEY_ID=${__falenv_old_FAL_KEY_ID-} \
                    FAL_KEY_SECRET=${__falenv_old_FAL_KEY_SECRET-} \
                    __falenv_shell=$__falenv_word __falenv_store_shown=$__falenv_store \
                    "$__falenv_exe" profile "$@"
                return
            fi
            __falenv_find_own
            ;;
    esac
    __falenv_shell=$__falenv_word __falenv_store_shown=$__falenv_store \
        __falenv_hookless=$__falenv_hookless __falenv_own_key_id=$__falenv_own "$__falenv_exe" profile "$@"
}

__falenv_use() {
    __falenv_clear=yes __falenv_to='' __falenv_none=${FALENV_NONE-} __falenv_yes='' __falenv_for='' __falenv_n=$#
    __falenv_timed=${FALENV_UNTIL-}
    if [ "$#" = 0 ]; then
        __falenv_to=$(__falenv_program pick) || return
        \set -- -- "$__falenv_to"
    fi
    # `use NAME` has no options to look for. Move all other words behind the options.
    while [ "$__falenv_n" -gt 0 ] && [ $# -gt 1 ]; do
        case $1 in
            --yes) __falenv_yes=--yes ;;
            --for=*) __falenv_for=${1#--for=} __falenv_for=${__falenv_for:-0} ;;
            --for)
                if [ "$__falenv_n" -gt 1 ]; then
                    __falenv_for=${2:-0} # an empty one counts as zero
                    \shift
                    __falenv_n=$((__falenv_n - 1))
                else
                    \set -- "$@" "$1"
                fi
                ;;
            --) break ;;
            *) \set -- "$@" "$1" ;;
        esac
        \shift
        __falenv_n=$((__falenv_n - 1))
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
    if [ -z "$__falenv_clear" ]; then
        \set -- ${__falenv_for:+"--for=$__falenv_for"} "$@"
        __falenv_program use ${__falenv_yes:+"$__falenv_yes"} "$@"
        return
    fi
    __falenv_keep_pin
    __falenv_find_links
    __falenv_find_pin
    # After an upgrade the state starts a new integration, which assigns the pin again.
    __falenv_back=$__falenv_users_pin
    if [ "$__falenv_to" = "$__falenv_nobody" ]; then
        [ -n "$__falenv_none" ] || __falenv_keep FAL_HOME_DIR
        __falenv_out=$(__falenv_state "$__falenv_nobody" --use) || return
        \eval "\\unset __falenv_out
$__falenv_out"
        __falenv_before=$__falenv_back
        \unset FALENV_UNTIL FALENV_AFTER
        return
    fi
    \unset FALENV_NONE
    if [ -n "$__falenv_for" ] || ! __falenv_apply "$__falenv_to"; then
        if ! __falenv_out=$(__falenv_state "$__falenv_to" --use ${__falenv_yes:+"$__falenv_yes"} \
            ${__falenv_for:+"--duration=$__falenv_for"}); then
            \unset __falenv_out
            [ -z "$__falenv_none" ] || \export "FALENV_NONE=$__falenv_none"
            return 1
        fi
        \eval "\\unset __falenv_out
$__falenv_out"
    fi
    [ -z "$__falenv_none" ] || __falenv_restore FAL_HOME_DIR
    if [ -n "$__falenv_for" ]; then
        # While one time runs, another begins: afterwards holds what held before both.
        if [ -z "$__falenv_timed" ] && [ -n "$__falenv_back" ]; then
            \export "FALENV_AFTER=$__falenv_back"
        fi
    elif [ -n "${FALENV_UNTIL-}" ]; then
        \unset FALENV_UNTIL FALENV_AFTER
    fi
    __falenv_before=$__falenv_back
    __falenv_guard=
    if [ -n "$__falenv_to" ]; then
        \export "FAL_PROFILE=$__falenv_to"
    else
        \unset FAL_PROFILE
    fi
    __falenv_note_state
    __falenv_tell_aside
    if [ -n "${DIRENV_DIR-}" ]; then
        __falenv_shell='done' "$__falenv_exe" profile use "$@"
    fi
}

__falenv_off() {
    __falenv_keep_pin
    if [ "$__falenv_why" = none ]; then
        __falenv_restore FAL_PROFILE
    else
        # A key that the user has set since stays.
        __falenv_owns_key || __falenv_was_FAL_KEY=
        __falenv_each __falenv_restore "$__falenv_vars FAL_PROFILE"
    fi
    if [ -n "${FALENV_NONE-}" ]; then
        __falenv_restore FAL_HOME_DIR
    fi
    \unset FALENV_NONE FALENV_KEPT_ID FALENV_UNTIL FALENV_AFTER
    __falenv_unshow
    __falenv_remove
}

__falenv_profile() {
    case $#:${1-} in
        1:off) __falenv_off ;;
        *:use)
            \shift
            __falenv_use "$@"
            ;;
        *)
            if __falenv_program "$@"; then
                __falenv_after_command "${1-}"
            else
                return "$?"
            fi
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
            if [ -n "$__falenv_name" ] && __falenv_is_untouched; then
                __falenv_stay=yes
                if __falenv_apply '' || __falenv_take_edit; then
                    __falenv_note_state
                fi
                __falenv_stay=
            fi
            ;;
    esac
}

# Take the new key and host of this shell's profile from the program (core.sh).
__falenv_take_edit() {
    \set -- "$__falenv_why" "$__falenv_index"
    __falenv_out=$(
        __falenv_state "$__falenv_name" --was "$__falenv_name" </dev/null 2>/dev/null
    ) || return 1
    \eval "\\unset __falenv_out
$__falenv_out"
    __falenv_why=$1 __falenv_index=$2
}

# --- Installing, once however often a shell reads this ---------------------------------------------

# Remember what `off` restores, and find out what this shell can do.
# shellcheck disable=SC2016  # the shell expands these later
__falenv_load() {
    __falenv_run='' __falenv_hooked='' __falenv_virtual='' __falenv_most='' __falenv_bang=''
    __falenv_return='' __falenv_seconds='' __falenv_blind='' __falenv_printer='printf %s'
    __falenv_ps1='${__falenv_segment-}'
    if [ "$__falenv_newer" -nt "$__falenv_older" ] 2>/dev/null; then
        :
    elif [ "${__falenv_newer%/*}" -nt "$__falenv_older" ] 2>/dev/null; then
        __falenv_seconds=yes
    else
        __falenv_blind=yes
    fi
    # Only mksh and ksh93 can parse their hook. A shell that inherits PS1 has no __falenv_run, so it
    # never gets to that part.
    case ${KSH_VERSION-} in
        *MIRBSD* | *LEGACY*)
            __falenv_hooked=yes __falenv_most=-n$__falenv_link_max __falenv_printer='print -rn --'
            \eval "__falenv_return=\$'\\r'"
            __falenv_ps1='${__falenv_run:+${|__falenv_hook;}}${__falenv_segment-}'
            ;;
        Version*93[t-z]*)
            __falenv_hooked=yes __falenv_most=-n$__falenv_link_max __falenv_bang='!!'
            __falenv_virtual='${.sh.subshell}'
            __falenv_ps1='${__falenv_run:+${ __falenv_hook;}}${__falenv_segment-}'
            ;;
    esac
    if [ -z "$__falenv_loaded" ]; then
        __falenv_pin='' __falenv_marked='' __falenv_where='' __falenv_around='' __falenv_styled=''
        __falenv_moved='' __falenv_seen='' __falenv_name='' __falenv_id='' __falenv_index=''
        __falenv_why='' __falenv_ours='' __falenv_guard='' __falenv_foreign='' __falenv_failure=''
        __falenv_aside='' __falenv_told_aside='' __falenv_stay='' __falenv_payer=''
        __falenv_rivals_set='' __falenv_hint='' __falenv_dotenv='' __falenv_unnoted=''
        __falenv_missed='' __falenv_suffix=''
        \unset __falenv_pwd __falenv_before
        __falenv_functions='' __falenv_aliases='' __falenv_keeps='' __falenv_in_alias=''
        __falenv_keep_command fal
        __falenv_keep_command falenv
        __falenv_keep_all
    else
        __falenv_keep_pin
    fi
    \unalias fal 2>/dev/null
    \unalias falenv 2>/dev/null
    # Without a hook the shell does not follow by itself, so the program says what has changed.
    __falenv_hookless=
    case $-:$__falenv_hooked in
        *i*:yes) __falenv_run=yes ;;
        *i*:) __falenv_run=yes __falenv_hookless=yes ;;
    esac
}

# Remember the user's function and alias $1, as code that makes them again. Copy both under names of
# falenv's, so that they can still run. A shell that cannot print a function keeps its function `fal`.
__falenv_keep_command() {
    if __falenv_out=$(\alias "$1" 2>/dev/null); then
        __falenv_out=${__falenv_out#alias }
        __falenv_aliases="$__falenv_aliases\\alias $__falenv_out
"
        # An alias does not expand itself again.
        \unalias "$1"
        \eval "__falenv_out=${__falenv_out#*=}"
        __falenv_out="__falenv_alias_$1() { $__falenv_out \"\$@\"
}"
        # A syntax error would end the shell.
        if (\eval "$__falenv_out") 2>/dev/null; then
            \eval "$__falenv_out"
        fi
    fi
    [ "$(\command -v "$1")" = "$1" ] || return 0
    __falenv_out=
    if \command -v typeset >/dev/null; then
        # shellcheck disable=SC3044
        __falenv_out=$(\typeset -f "$1" 2>/dev/null)
    fi
    case $__falenv_out in
        "function $1"*) \eval "function __falenv_users_$1${__falenv_out#"function $1"}" ;;
        "$1"*) \eval "__falenv_users_$__falenv_out" ;;
        *)
            if [ "$1" = fal ]; then
                __falenv_keeps=yes __falenv_aliased=$__falenv_aliases __falenv_aliases=
            fi
            return 0
            ;;
    esac
    __falenv_functions="$__falenv_functions$__falenv_out
"
}

# Remove the functions and variables.
__falenv_remove() {
    __falenv_each __falenv_forget "$__falenv_vars FAL_PROFILE FAL_HOME_DIR"
    # ksh93 unsets a running function only when it ends, and then it would unset its replacement.
    \command -v __falenv_users_fal >/dev/null || [ -n "$__falenv_keeps" ] || \unset -f fal
    \command -v __falenv_users_falenv >/dev/null || \unset -f falenv
    \unset -f falenv_prompt
    # The aliases last: the shell would expand them in the names of the functions.
    \eval "$__falenv_functions$__falenv_aliases"
    \unset -f __falenv_each __falenv_replace __falenv_print __falenv_keep __falenv_restore \
        __falenv_forget __falenv_keep_pin __falenv_keep_all __falenv_disown __falenv_key_id \
        __falenv_find_own __falenv_give_back __falenv_set_aside __falenv_find_rival \
        __falenv_tell_aside __falenv_note_state __falenv_use_copy __falenv_same_store \
        __falenv_note_payer \
        __falenv_is_untouched __falenv_set_mark __falenv_owns_key __falenv_is_ours \
        __falenv_is_fresh __falenv_find_links __falenv_is_link __falenv_read_link __falenv_choose \
        __falenv_read_note __falenv_has_text __falenv_apply __falenv_try_apply __falenv_cut_name \
        __falenv_cut_value __falenv_state __falenv_hold_interrupt __falenv_release_interrupt \
        __falenv_follow __falenv_find_pin __falenv_start __falenv_begin __falenv_fail \
        __falenv_idle __falenv_pays_as_before __falenv_check __falenv_check_dotenv \
        __falenv_is_noted __falenv_end_time __falenv_read_clock __falenv_check_time __falenv_catch_up __falenv_fill __falenv_show __falenv_unshow \
        __falenv_guarded __falenv_hook __falenv_program __falenv_use __falenv_off __falenv_profile \
        __falenv_after_command __falenv_take_edit __falenv_load __falenv_keep_command __falenv_remove \
        __falenv_hand_over __falenv_alias_fal __falenv_alias_falenv __falenv_users_fal \
        __falenv_users_falenv
    \unset __falenv_aliased __falenv_aliases __falenv_around __falenv_aside __falenv_back \
        __falenv_bang __falenv_before __falenv_blind __falenv_by __falenv_cached __falenv_clear \
        __falenv_clock __falenv_command __falenv_completions __falenv_cut __falenv_default_host \
        __falenv_default_sgr __falenv_dialect __falenv_dotenv __falenv_edits __falenv_entry \
        __falenv_exe __falenv_failure __falenv_filled __falenv_flag __falenv_for __falenv_foreign \
        __falenv_format \
        __falenv_functions __falenv_gone __falenv_guard __falenv_hint __falenv_hooked \
        __falenv_hookless __falenv_host __falenv_id __falenv_in_alias __falenv_index \
        __falenv_keeps __falenv_kept_fal __falenv_key __falenv_line __falenv_link_max \
        __falenv_loaded __falenv_main __falenv_mark_folder __falenv_mark_pin __falenv_mark_touched \
        __falenv_marked __falenv_missed __falenv_most __falenv_moved __falenv_n __falenv_name \
        __falenv_name_in_note __falenv_newer __falenv_nobody __falenv_none __falenv_notices \
        __falenv_now __falenv_older __falenv_ours __falenv_out __falenv_outputs __falenv_own \
        __falenv_own_key_id __falenv_payer __falenv_pin __falenv_printer __falenv_protocol __falenv_ps1 __falenv_pwd \
        __falenv_python __falenv_readonly_hook __falenv_readonly_key __falenv_replaced_hook \
        __falenv_restricted __falenv_return __falenv_rivals __falenv_rivals_aside \
        __falenv_rivals_set __falenv_run __falenv_seconds __falenv_seen __falenv_segment \
        __falenv_segment_off __falenv_sgr __falenv_shell __falenv_shown __falenv_stay __falenv_store \
        __falenv_store_shown __falenv_styled __falenv_suffix __falenv_switches __falenv_table \
        __falenv_text __falenv_time_over __falenv_timed __falenv_to __falenv_told_aside \
        __falenv_trap __falenv_unnoted __falenv_url \
        __falenv_users_pin __falenv_vars __falenv_verdicts __falenv_virtual __falenv_want \
        __falenv_where __falenv_why __falenv_word __falenv_yes
}

# Run the user's alias or function `fal`, or else the official CLI. Inside the alias, `fal` is what it
# was without the alias.
__falenv_hand_over() {
    if [ -z "${__falenv_in_alias-}" ] && \command -v __falenv_alias_fal >/dev/null; then
        __falenv_in_alias=yes
        __falenv_alias_fal "$@"
        \set -- "$?"
        __falenv_in_alias=
        return "$1"
    elif \command -v __falenv_users_fal >/dev/null; then
        __falenv_users_fal "$@"
    else
        __falenv_hookless=$__falenv_hookless "$__falenv_exe" -- "$@"
    fi
}

__falenv_guarded __falenv_load

# Some tools copy only functions whose names begin with a letter into another shell. Without the other
# functions, or without the program, these are the plain commands.
if [ -n "${__falenv_keeps-}" ]; then
    \eval "$__falenv_aliased"
    case ${__falenv_loaded:-new}$- in
        new*i*) __falenv_print "$__falenv_kept_fal
" >&2 ;;
    esac
else
    fal() {
        if [ -z "${__falenv_exe-}" ] || ! \command -v __falenv_guarded >/dev/null; then
            \command fal "$@"
            return
        fi
        if [ ! -x "$__falenv_exe" ]; then
            __falenv_guarded __falenv_catch_up || :
            \command fal "$@"
            return
        fi
        case ${FALENV_UNTIL:+$__falenv_hookless} in yes) __falenv_guarded __falenv_check_time || : ;; esac
        case ${1-} in
            profile | profiles)
                \shift
                __falenv_guarded __falenv_profile "$@"
                ;;
            *) __falenv_hand_over "$@" ;;
        esac
    }
fi
falenv() {
    if [ -z "${__falenv_exe-}" ] || ! \command -v __falenv_guarded >/dev/null; then
        \command falenv "$@"
        return
    fi
    if [ ! -x "$__falenv_exe" ]; then
        __falenv_guarded __falenv_catch_up || :
        \command falenv "$@"
        return
    fi
    case ${FALENV_UNTIL:+$__falenv_hookless} in yes) __falenv_guarded __falenv_check_time || : ;; esac
    case ${1-} in
        profile | profiles)
            \shift
            # The program's messages name this function.
            [ -z "${__falenv_keeps-}" ] || \export __falenv_command=falenv
            if __falenv_guarded __falenv_profile "$@"; then
                \set -- 0
            else
                \set -- "$?"
            fi
            \unset __falenv_command
            return "$1"
            ;;
        *) "$__falenv_exe" "$@" ;;
    esac
}
