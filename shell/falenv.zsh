# falenv's integration for zsh, 5.0 and later.
#
# Read after a prelude of assignments and before a state, both as falenv.bash describes them; the
# functions here have that file's names and meanings. Every name begins with __falenv_, but for
# the function fal. No variable holds a key, but for __falenv_old_*: what the user had before.
#
# The functions that zsh or the user calls begin with `emulate -L zsh`, which guards against the
# user's options, and switch the trace off, which would show a key. `\builtin` reaches past the
# user's own aliases and functions.

# --- What was there before -----------------------------------------------------------------------

__falenv_keep() {
    local v
    for v in "$@"; do
        if ((${(P)+v})); then
            if [[ ${(Pt)v} == *export* ]]; then
                \builtin typeset -g __falenv_was_$v=exported
            else
                \builtin typeset -g __falenv_was_$v=set
            fi
            \builtin typeset -g __falenv_old_$v=${(P)v}
        else
            \builtin typeset -g __falenv_was_$v=unset
        fi
    done
}

__falenv_give_back() {
    local v was old
    for v in "$@"; do
        was=__falenv_was_$v old=__falenv_old_$v
        case ${(P)was-} in
            exported) \builtin export "$v=${(P)old}" ;;
            set)
                \builtin unset $v
                \builtin typeset -g "$v=${(P)old}"
                ;;
            unset) \builtin unset $v ;;
        esac
    done
}

__falenv_keep_pin() {
    if [[ ${FAL_PROFILE-} != "${__falenv_pin-}" ]]; then
        __falenv_keep FAL_PROFILE
    fi
}

# --- Following the store -------------------------------------------------------------------------

__falenv_settle() {
    # Quoted: at the end of a state the user's options are on.
    \builtin typeset -g __falenv_pin="${FAL_PROFILE-}"
    \builtin typeset -g __falenv_marked="${FALENV_PROFILE-}"
    \builtin typeset -g __falenv_where="${FAL_CONFIG_PATH-}:${HOME-}"
}

__falenv_is_here() {
    [[ ${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_where" ]]
}

__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [[ -z $__falenv_id ]] ;;
        *:*) [[ ${FAL_KEY%%:*} == "$__falenv_id" ]] ;;
        *) [[ $__falenv_id == - ]] ;;
    esac
}

__falenv_unchanged() {
    local head
    { IFS= \builtin read -r head < "$__falenv_index"; } 2>/dev/null
    [[ -n $1 && $head == "$1" ]] || return 1
    case $1 in
        '- '*) [[ ! -e $__falenv_store ]] ;;
        *)
            [[ -e $__falenv_store && ! $__falenv_store -nt $__falenv_index &&
                ! $__falenv_store -ot $__falenv_index ]]
            ;;
    esac
}

__falenv_read() {
    local head want line entry text n was=${2-}
    [[ -n $__falenv_index ]] && __falenv_is_here || return 1
    {
        IFS= \builtin read -r head || return 1
        want=${1:-${head#* }}
        while IFS=' ' \builtin read -r line entry; do
            if [[ $entry == "$want" ]]; then
                n=$line
            fi
            if [[ $entry == "$was" ]]; then
                was=
            fi
        done
    } 2>/dev/null < "$__falenv_index" || return 1
    [[ $n == [1-9]* && -z $was ]] || return 1
    {
        while ((n-- > 0)); do
            IFS= \builtin read -r text || return 1
        done
    } 2>/dev/null < "$__falenv_store" || return 1
    [[ $text == key*\"*\"* ]] || return 1
    __falenv_unchanged "$head" || return 1
    text=${text#*\"}
    text=${text%%\"*}

    \builtin unset ${=__falenv_vars}
    \builtin export FAL_KEY="$text" FALENV_PROFILE="$want"
    \builtin typeset -g __falenv_name=$want __falenv_seen=$head __falenv_id=-
    if [[ $text == *:* ]]; then
        __falenv_id=${text%%:*}
    fi
}

__falenv_state() {
    FAL_PROFILE=$1 "$__falenv_exe" profile env --shell zsh --refresh "${@:2}" </dev/null
}

__falenv_follow() {
    local out code left
    __falenv_keep_pin
    if [[ $1 == change ]]; then
        __falenv_owns_key || return 0
        left=$__falenv_name
    fi
    if __falenv_read "${FAL_PROFILE-}" "$left"; then
        __falenv_settle
        return 0
    fi
    out=$(__falenv_state "${FAL_PROFILE-}" --was "$left")
    code=$?
    if [[ -n $out ]]; then
        \builtin eval "$out"
    elif ((code != 130)); then
        __falenv_index=
    fi
}

__falenv_check() {
    if [[ -n $__falenv_index ]] && ! __falenv_unchanged "$__falenv_seen"; then
        __falenv_follow change
    fi
}

__falenv_precmd() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose; } 2>/dev/null
    if [[ ! -x $__falenv_exe ]]; then
        \builtin printf 'falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more\n' \
            "$__falenv_exe" >&2
        __falenv_remove
        return 0
    fi
    # FALENV_PROFILE changes where direnv, say, puts back all the variables that it had seen.
    if [[ ${FAL_PROFILE-}:${FALENV_PROFILE-} != "$__falenv_pin:$__falenv_marked" ]] ||
        ! __falenv_is_here; then
        __falenv_follow switch
    else
        __falenv_check
    fi
    __falenv_show
    # compinit may run after us, or never: we wait for it, and never run it.
    __falenv_complete_register
    return 0
}

# --- Beginning without a process -----------------------------------------------------------------

__falenv_begin() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose; } 2>/dev/null
    local out code
    if __falenv_read "${FAL_PROFILE-}"; then
        __falenv_settle
        return 0
    fi
    out=$(__falenv_state "${FAL_PROFILE-}" --cache "$__falenv_cached")
    code=$?
    if [[ -n $out ]]; then
        \builtin eval "$out"
    elif ((code != 130)); then
        __falenv_index=
    fi
    return 0
}

# --- The prompt ----------------------------------------------------------------------------------

# The text stands in psvar, whose elements are not expanded again, whatever a name contains.
__falenv_slot=20

__falenv_show() {
    local text ps1 rest
    if [[ -n $__falenv_name && -z $__falenv_segment_off && ${FALENV_PROMPT-} != off ]]; then
        text="(fal:${__falenv_name//[[:cntrl:]]/?}${FAL_PROFILE:+*}) "
    fi
    psvar[__falenv_slot]=$text
    # These draw the whole prompt themselves.
    if (($+functions[starship_precmd] + $+functions[prompt_starship_precmd] + \
        $+functions[_p9k_precmd] + $+functions[_omp_precmd] + $+functions[prompt_pure_precmd])); then
        return 0
    fi
    if [[ -n ${NO_COLOR-} || ${TERM-dumb} == dumb ]]; then
        ps1="%${__falenv_slot}v"
    else
        # Nothing at all where the slot is empty.
        ps1="%${__falenv_slot}(V."$'%{\e[2m%}'"%${__falenv_slot}v"$'%{\e[22m%}'".)"
    fi
    rest=${${PROMPT-}/"${__falenv_ps1-}"/}
    if [[ -n $text && ${PROMPT-} != *"$ps1"* && $rest != *%${__falenv_slot}v* ]]; then
        PROMPT=$ps1$rest
        \builtin typeset -g __falenv_ps1=$ps1
    fi
}

# --- The command ---------------------------------------------------------------------------------

__falenv_program() {
    local mark=live
    if ((ZSH_SUBSHELL)); then
        mark=
        if [[ -o interactive ]] && __falenv_owns_key; then mark=later; fi
    fi
    __falenv_shell=$mark "$__falenv_exe" profile "$@"
}

__falenv_use() {
    local to out clear=yes
    case $#:${1-} in
        1:--default) to= ;;
        1:-) to=${__falenv_before-} clear=${__falenv_before+yes} ;;
        1:-* | 1:) clear= ;;
        1:*) to=$1 ;;
        2:--) to=$2 clear=${2:+yes} ;;
        *) clear= ;;
    esac
    if [[ -z $clear ]]; then
        __falenv_program use "$@"
        return
    fi
    __falenv_keep_pin
    if ! __falenv_read "$to"; then
        out=$(__falenv_state "$to") || return
        \builtin eval "$out"
    fi
    \builtin typeset -g __falenv_before=${FAL_PROFILE-}
    if [[ -n $to ]]; then
        \builtin export FAL_PROFILE="$to"
    else
        \builtin unset FAL_PROFILE
    fi
    __falenv_settle
}

__falenv_off() {
    __falenv_keep_pin
    if __falenv_owns_key; then
        __falenv_give_back ${=__falenv_vars} FAL_PROFILE
    else
        __falenv_give_back ${=__falenv_vars#FAL_KEY } FAL_PROFILE
    fi
    __falenv_remove
}

__falenv_profile() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose; } 2>/dev/null
    local code
    case $#:${1-} in
        1:off) __falenv_off ;;
        *:use)
            \builtin shift
            __falenv_use "$@"
            ;;
        *)
            __falenv_program "$@"
            code=$?
            case $code:${1-} in
                0:set | 0:unset | 0:create) __falenv_follow switch ;;
                *) __falenv_check ;;
            esac
            return $code
            ;;
    esac
}

# --- Installing, once however often this is read -------------------------------------------------

__falenv_load() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose; } 2>/dev/null
    if [[ ${__falenv_loaded-} != $$ ]]; then
        if (($+functions[fal])); then
            \builtin typeset -g __falenv_function=${functions[fal]}
        fi
        \builtin typeset -g __falenv_alias="$(\builtin alias -L "fal")"
        __falenv_keep ${=__falenv_vars} FAL_PROFILE
        \builtin typeset -g __falenv_loaded=$$
    else
        __falenv_keep_pin
    fi
    # In quotes, since zsh expands a global alias anywhere.
    \builtin unalias "fal" 2>/dev/null || :
    # Behind the others: direnv's hook, which changes what we look at, goes in front.
    if [[ -o interactive ]]; then
        \builtin typeset -ga precmd_functions
        precmd_functions=(${precmd_functions:#__falenv_precmd} __falenv_precmd)
    fi
    return 0
}

__falenv_remove() {
    precmd_functions=(${precmd_functions:#__falenv_precmd})
    if ((${#precmd_functions} == 0)); then
        \builtin unset precmd_functions
    fi
    if [[ -n ${__falenv_ps1-} ]]; then
        PROMPT=${PROMPT/"$__falenv_ps1"/}
    fi
    psvar[__falenv_slot]=
    while ((${#psvar})) && [[ -z ${psvar[-1]} ]]; do
        psvar[-1]=()
    done
    __falenv_complete_unregister
    \builtin unfunction "fal"
    if [[ -n ${__falenv_function+set} ]]; then
        functions[fal]=$__falenv_function
    fi
    \builtin eval "$__falenv_alias"
    \builtin unset ${(Mk)parameters:#__falenv_*}
    \builtin unfunction ${(Mk)functions:#__falenv_*}
}

__falenv_load

# zsh reads all of this before it runs any of it, so an alias is not gone yet: `fal()` would expand
# it, and plain `fal` a global one.
function \fal {
    if [[ ! -x ${__falenv_exe-} ]] || ! \builtin whence -w __falenv_profile >/dev/null; then
        \command \fal "$@"
        return
    fi
    case ${1-} in
        profile | profiles) __falenv_profile "${@:2}" ;;
        *) "$__falenv_exe" "$@" ;;
    esac
}
