# falenv's integration for zsh, 5.0 and later.
#
# Read after a prelude of assignments and before a state, both as falenv.bash describes them; the
# functions here have that file's names and meanings. Every name begins with __falenv_, but for
# the functions fal and falenv_prompt. No variable holds a key, but for __falenv_old_*: what the
# user had before.
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

__falenv_restore() {
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

# --- Following the store and the folder ----------------------------------------------------------

__falenv_note_state() {
    # Quoted: at the end of a state the user's options are on.
    \builtin typeset -g __falenv_pin="${FAL_PROFILE-}"
    \builtin typeset -g __falenv_marked="${FALENV_PROFILE-}"
    \builtin typeset -g __falenv_where="${FAL_CONFIG_PATH-}:${HOME-}"
    \builtin typeset -g __falenv_around=
    if [[ -z "${__falenv_pwd+set}" ]]; then
        __falenv_find_link
    fi
    \builtin typeset -g __falenv_moved=
}

__falenv_same_store() {
    [[ ${FAL_CONFIG_PATH-}:${HOME-} == "$__falenv_where" ]]
}

__falenv_owns_key() {
    case ${FAL_KEY-} in
        '') [[ -z $__falenv_id ]] ;;
        *:*) [[ ${FAL_KEY%%:*} == "$__falenv_id" ]] ;;
        *) [[ $__falenv_id == - ]] ;;
    esac
}

__falenv_is_fresh() {
    case "$1" in
        */none-*) [[ -e "$1" && ! -e "$__falenv_store" ]] ;;
        *)
            [[ -e "$1" && -e "$__falenv_store" && ! "$__falenv_store" -nt "$1" &&
                ! "$__falenv_store" -ot "$1" ]]
            ;;
    esac
}

__falenv_is_ours() {
    [[ -O ${1%/*} && -O $1 && -f $1 && -r $1 && ! -L $1 ]]
}

__falenv_find_link() {
    \builtin local d="${PWD-}" f= t=
    if [[ "$d" != "${__falenv_pwd-}" ]]; then
        \builtin typeset -g __falenv_pwd="$d"
        \builtin typeset -ga __falenv_links
        \builtin set --
        d="${d%/}/"
        while [[ "$d" == /* ]]; do
            d="${d%/*}"
            \builtin set -- "$@" "$d/.fal-profile"
        done
        __falenv_links=("$@")
        \builtin typeset -g __falenv_f1="${1-}" __falenv_f2="${2-}" __falenv_f3="${3-}" \
            __falenv_f4="${4-}" __falenv_f5="${5-}" __falenv_f6="${6-}" __falenv_f7="${7-}" \
            __falenv_f8="${8-}" __falenv_f9="${9-}"
    fi
    for f in "${__falenv_links[@]}" ''; do
        if [[ -e "$f" ]]; then
            if [[ -f "$f" && -r "$f" ]]; then
                IFS= \builtin read -r -u 0 -k 513 t < "$f" || :
            fi
            \builtin break
        fi
    done
    if [[ "$f:$t" != "${__falenv_link-}:${__falenv_text-}" ]]; then
        \builtin typeset -g __falenv_link="$f" __falenv_text="$t" __falenv_moved=yes
    fi
}

__falenv_choose() {
    local note word entry
    want=$1 by=pin
    [[ -z $1 ]] || return 0
    by=default
    [[ -n $__falenv_link ]] || return 0
    note=${__falenv_link//\%/%%}
    note=$__falenv_notes/${note//\//%}
    __falenv_is_ours "$note" || return 1
    {
        IFS= \builtin read -r word
        IFS= \builtin read -r entry
    } < "$note"
    [[ $word != denied ]] || return 0
    [[ ${__falenv_text%$'\n'} == "$entry" && -f $__falenv_link && ! -L $__falenv_link &&
        -O $__falenv_link ]] || return 1
    case $word in
        allowed) want=$entry by=folder ;;
        noticed) ;;
        *) return 1 ;;
    esac
}

__falenv_apply() {
    local now line entry key n want by table host hosts color=2 was=${2-}
    [[ -n $__falenv_index ]] && __falenv_same_store && __falenv_choose "$1" || return 1
    for now in "${__falenv_index%/*}"/*; do
        ! __falenv_is_fresh "$now" || break
    done
    __falenv_is_ours "$now" || return 1
    {
        IFS= \builtin read -r entry || return 1
        want=${want:-$entry}
        while IFS=' ' \builtin read -r line entry; do
            [[ $line != -* ]] || break
            if [[ $entry == "$want" ]]; then
                n=$line
            fi
            if [[ $entry == "$was" ]]; then
                was=
            fi
        done
    } 2>/dev/null < "$now" || return 1
    if [[ -z $want && -z ${2-} ]]; then
        n=0 by=none
    fi
    [[ $n == [0-9]* && -z $was ]] || return 1
    case $n in
        *@*) hosts=${n#*@} n=${n%%@*} ;;
    esac
    case $n in
        *';'*) color=${n#*;} n=${n%%;*} ;;
    esac
    [[ $n$color != *[^0-9\;]* && $n != 0?* ]] || return 1
    if [[ $n != 0 ]]; then
        {
            while ((n-- > 0)); do
                IFS=$' \t' \builtin read -r line || return 1
                case $line in
                    \[*) table=$line key= host= ;;
                    key*) key=$line ;;
                    host*\"*\"*) host=${line#*\"} ;;
                esac
            done
        } 2>/dev/null < "$__falenv_store" || return 1
        [[ $table == "[$want]" || $table == "[\"$want\"]" ]] || return 1
        [[ $key == key*\"*\"* ]] || return 1
        key=${key#*\"}
        key=${key%%\"*}
    fi
    [[ ${host%%\"*} == "${hosts%%@*}" ]] || return 1
    __falenv_is_fresh "$now" || return 1

    \builtin unset ${=__falenv_vars}
    [[ -z $want ]] || \builtin export FALENV_PROFILE="$want"
    [[ -z $key ]] || \builtin export FAL_KEY="$key"
    if [[ -n $hosts ]]; then
        \builtin export FAL_HOST="${hosts%%@*}" FAL_QUEUE_RUN_HOST="${hosts##*@}"
        hosts=${hosts#*@}
        \builtin export FAL_RUN_HOST="${hosts%@*}"
    fi
    \builtin typeset -g __falenv_name=$want __falenv_shown=$want __falenv_why=$by \
        __falenv_sgr=$color __falenv_index=$now __falenv_id=${key:+-}
    if [[ $key == *:* ]]; then
        __falenv_id=${key%%:*}
    fi
}

__falenv_state() {
    FAL_PROFILE=$1 "$__falenv_exe" profile env --shell zsh --refresh "${@:2}" </dev/null
}

__falenv_follow() {
    local out code left
    __falenv_keep_pin
    __falenv_find_link
    __falenv_moved=
    if [[ $1 == change ]]; then
        __falenv_owns_key || return 0
        left=$__falenv_name
    fi
    if __falenv_apply "${FAL_PROFILE-}" "$left"; then
        __falenv_note_state
        return 0
    fi
    case $1 in
        start) set -- --cache "$__falenv_cached" ;;
        *) set -- --was "$left" ;;
    esac
    out=$(__falenv_state "${FAL_PROFILE-}" "$@")
    code=$?
    if [[ -n $out ]]; then
        \builtin eval "$out"
    elif ((code != 130)); then
        __falenv_index=
    fi
}

__falenv_check() {
    __falenv_find_link
    if [[ -n $__falenv_moved ]] || { [[ -n $__falenv_index ]] &&
        ! __falenv_is_fresh "$__falenv_index"; }; then
        __falenv_follow change
    fi
}

__falenv_catch_up() {
    # Most prompts end here. No function is called, since each call costs zsh as much as all of
    # this; and as the options are the user's, all is in quotes.
    if [[ -x "$__falenv_exe" && ! -o xtrace && "$__falenv_around" == \
        "${FAL_PROFILE-}:${FALENV_PROFILE-}:${FAL_CONFIG_PATH-}:${HOME-}" && "$__falenv_styled" == \
        "${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-}:${+functions[compdef]}" && \
        "${PROMPT-}" == *"${__falenv_ps1-}"* && -e "$__falenv_index" && -e "$__falenv_store" &&
        ! "$__falenv_store" -nt "$__falenv_index" && ! "$__falenv_store" -ot "$__falenv_index" ]]
    then
        if [[ "${PWD-}" != "$__falenv_pwd" || -n "$__falenv_link$__falenv_f9" ||
            -e "$__falenv_f1" || -e "$__falenv_f2" || -e "$__falenv_f3" || -e "$__falenv_f4" ||
            -e "$__falenv_f5" || -e "$__falenv_f6" || -e "$__falenv_f7" || -e "$__falenv_f8" ]]
        then
            __falenv_find_link
        fi
        if [[ -z "$__falenv_moved" ]]; then
            return 0
        fi
    fi
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose no_nomatch; } 2>/dev/null
    if [[ ! -x $__falenv_exe ]]; then
        \builtin printf 'falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more\n' \
            "$__falenv_exe" >&2
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
    # compinit may run after us, or never: we wait for it, and never run it.
    __falenv_complete_register
    \builtin typeset -g __falenv_around=$__falenv_pin:$__falenv_marked:$__falenv_where
    \builtin typeset -g \
        __falenv_styled=${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-}:${+functions[compdef]}
    return 0
}

# --- Beginning without a process -----------------------------------------------------------------

__falenv_start() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose no_nomatch; } 2>/dev/null
    __falenv_follow start
    return 0
}

# --- The prompt ----------------------------------------------------------------------------------

# The text stands in psvar, whose elements are not expanded again, whatever a name contains; behind
# it the colour. Pure has 12 to 23.
__falenv_slot=40

# Fill in format $1, into `filled`.
__falenv_fill() {
    local mark
    case $__falenv_why in
        pin) mark=$__falenv_mark_pin ;;
        folder) mark=$__falenv_mark_folder ;;
    esac
    filled=${1//\{why\}/$__falenv_why}
    filled=${filled//\{mark\}/$mark}
    filled=${filled//\{name\}/$__falenv_shown}
    case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
        *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) ;;
        *) filled=${filled//[^[:ascii:]]/?} ;;
    esac
    [[ -n $__falenv_name ]] || filled=
}

# For the user's own PROMPT, with prompt_subst: '$(falenv_prompt)%# '. Prints the active profile in
# format $1, or FALENV_PROMPT, or the default; what PROMPT would expand is doubled.
falenv_prompt() {
    local before=$?
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose no_nomatch; } 2>/dev/null
    local filled form=${FALENV_PROMPT:-$__falenv_format}
    [[ $form != off ]] || form=$__falenv_format
    __falenv_fill "${1:-$form}"
    \builtin print -rn -- "${filled//\%/%%}"
    return $before
}

__falenv_show() {
    local filled ps1 rest colored
    if [[ -n $__falenv_name && -z $__falenv_segment_off && ${FALENV_PROMPT-} != off ]]; then
        __falenv_fill "${FALENV_PROMPT:-$__falenv_format}"
    fi
    psvar[__falenv_slot]=$filled
    psvar[__falenv_slot+1]=$__falenv_sgr
    # These draw the whole prompt themselves.
    if (($+functions[starship_precmd] + $+functions[prompt_starship_precmd] + \
        $+functions[_p9k_precmd] + $+functions[_omp_precmd] + \
        $+functions[prompt_ohmyposh_precmd] + $+functions[prompt_pure_precmd])); then
        return 0
    fi
    # Nothing at all where the slot is empty.
    colored=$'%{\e['"%$((__falenv_slot + 1))v"$'m%}'"%${__falenv_slot}v"$'%{\e[22;39m%}'
    ps1="%${__falenv_slot}(V.$colored.)"
    if [[ -n ${NO_COLOR-} || ${TERM-dumb} == dumb ]]; then
        ps1="%${__falenv_slot}v"
    fi
    rest=${${PROMPT-}/"${__falenv_ps1-}"/}
    if [[ -n $filled && ${__falenv_ps1-}:${PROMPT-} != "$ps1:"*"$ps1"* &&
        $rest != *%${__falenv_slot}v* && $rest${RPROMPT-} != *falenv_prompt* ]]; then
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
    __falenv_find_link
    if ! __falenv_apply "$to"; then
        out=$(__falenv_state "$to") || return
        \builtin eval "$out"
    fi
    \builtin typeset -g __falenv_before=${FAL_PROFILE-}
    if [[ -n $to ]]; then
        \builtin export FAL_PROFILE="$to"
    else
        \builtin unset FAL_PROFILE
    fi
    __falenv_note_state
    # Of what direnv has set here it alone knows.
    if [[ -n ${DIRENV_DIR-} ]]; then
        __falenv_shell=done "$__falenv_exe" profile use "$@"
    fi
}

__falenv_off() {
    __falenv_keep_pin
    if __falenv_owns_key; then
        __falenv_restore ${=__falenv_vars} FAL_PROFILE
    else
        __falenv_restore ${=__falenv_vars#FAL_KEY } FAL_PROFILE
    fi
    __falenv_remove
}

__falenv_profile() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose no_nomatch; } 2>/dev/null
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
                0:set | 0:unset | 0:create | 0:link | 0:unlink | 0:allow | 0:deny)
                    __falenv_follow switch
                    ;;
                *) __falenv_check ;;
            esac
            return $code
            ;;
    esac
}

# --- Installing, once however often this is read -------------------------------------------------

__falenv_load() {
    { \builtin emulate -L zsh; \builtin setopt no_xtrace no_verbose no_nomatch; } 2>/dev/null
    if [[ ${__falenv_loaded-} != $$ ]]; then
        if (($+functions[fal])); then
            \builtin typeset -g __falenv_function=${functions[fal]}
        fi
        \builtin typeset -g __falenv_alias=
        if \builtin alias "fal" >/dev/null; then
            __falenv_alias=$(\builtin alias -L "fal")
        fi
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
        precmd_functions=(${precmd_functions:#__falenv_catch_up} __falenv_catch_up)
    fi
    return 0
}

__falenv_remove() {
    precmd_functions=(${precmd_functions:#__falenv_catch_up})
    if ((${#precmd_functions} == 0)); then
        \builtin unset precmd_functions
    fi
    if [[ -n ${__falenv_ps1-} ]]; then
        PROMPT=${PROMPT/"$__falenv_ps1"/}
    fi
    psvar[__falenv_slot]= psvar[__falenv_slot+1]=
    while ((${#psvar})) && [[ -z ${psvar[-1]} ]]; do
        psvar[-1]=()
    done
    __falenv_complete_unregister
    \builtin unfunction "fal" falenv_prompt
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
