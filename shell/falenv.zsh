# falenv's integration for zsh, 5.0 and later: what zsh does in its own way.
#
# Sent after a prelude of assignments and core.sh, and before a state; README.md in this folder
# describes all of them. core.sh calls the functions that it lists there, which are defined here.
#
# Every name begins with __falenv_, except the functions fal, falenv and falenv_prompt. No variable holds a
# key, except __falenv_old_*: what the user had before. `\builtin` gets past the user's aliases and
# functions. Everything but the hooks themselves runs under __falenv_guarded, or in a state, where
# nothing depends on the user's options.

# --- What the shell had before --------------------------------------------------------------------

# Remember variables as they are: exported, set or unset. Core restores them.
__falenv_keep() {
    local __falenv_v=
    for __falenv_v in "$@"; do
        if ((${(P)+__falenv_v})); then
            if [[ ${(Pt)__falenv_v} == *export* ]]; then
                \builtin typeset -g __falenv_was_$__falenv_v=exported
            else
                \builtin typeset -g __falenv_was_$__falenv_v=set
            fi
            \builtin typeset -g __falenv_old_$__falenv_v=${(P)__falenv_v}
        else
            \builtin typeset -g __falenv_was_$__falenv_v=unset
        fi
    done
}

# --- What core.sh needs ---------------------------------------------------------------------------

# Read the beginning of file $1 into __falenv_read, which the caller has declared. `read -k` reads
# from the terminal unless a descriptor is named. It returns 1 at the end of the file.
__falenv_read_link() {
    IFS= \builtin read -r -u 0 -k "$__falenv_link_max" __falenv_read < "$1" || :
}

__falenv_is_readonly() {
    [[ ${(Pt)1-} == *readonly* ]]
}

__falenv_has_readonly() {
    [[ ${(t)FAL_KEY}${(t)FAL_HOST}${(t)FAL_RUN_HOST}${(t)FAL_QUEUE_RUN_HOST} == *readonly* ||
        ${(t)FAL_PROFILE}${(t)FALENV_PROFILE}${(t)FALENV_KEY_ID}${(t)FALENV_MARK} == *readonly* ||
        ${(t)FAL_KEY_ID}${(t)FAL_KEY_SECRET}${(t)FAL_FORCE_AUTH_BY_USER} == *readonly* ||
        ${(t)FAL_GRPC_HOST}${(t)FAL_REST_HOST}${(t)FAL_WS_RUN_HOST} == *readonly* ||
        ${(t)ISOLATE_AUTH_DISABLED}${(t)ISOLATE_TEST_MODE} == *readonly* ]]
}

# A prompt knows the time without zsh/datetime.
__falenv_read_clock() {
    __falenv_clock='%D{%s}'
    __falenv_clock=${(%)__falenv_clock}
}

__falenv_in_subshell() {
    ((ZSH_SUBSHELL))
}

# In a start-up file the context begins with `file`.
__falenv_is_typed() {
    [[ -o interactive && ${ZSH_EVAL_CONTEXT-} == toplevel* ]]
}

# Run "$@" with zsh's own options. A trace would print keys, and a DEBUG trap would see them; -L puts
# the trap back.
__falenv_guarded() {
    {
        \builtin emulate -L zsh
        \builtin setopt no_xtrace no_verbose no_nomatch
        \builtin trap - DEBUG
    } 2>/dev/null
    "$@"
}

# --- The hook -------------------------------------------------------------------------------------

# Most prompts end in these tests. They call no function, because a call costs zsh as much as all of
# the tests. The options are the user's, so everything is quoted. __falenv_note_payer notes the same
# texts.
__falenv_hook() {
    if [[ -x "$__falenv_exe" && ! -o xtrace && "$__falenv_around" == \
        "${FAL_PROFILE-}:${FALENV_PROFILE-}:${FALENV_KEY_ID-}:${FAL_CONFIG_PATH-}:${HOME-}" && \
        "$__falenv_payer" == \
        "${${FAL_KEY-}%%:*}:${FAL_HOST-}:${FAL_RUN_HOST-}:${FAL_QUEUE_RUN_HOST-}" && \
        "${FAL_KEY_ID+x}${FAL_KEY_SECRET+x}${FAL_FORCE_AUTH_BY_USER+x}${FAL_GRPC_HOST+x}" == \
        "$__falenv_rivals_a" && \
        "${FAL_REST_HOST+x}${FAL_WS_RUN_HOST+x}${ISOLATE_AUTH_DISABLED+x}${ISOLATE_TEST_MODE+x}" == \
        "$__falenv_rivals_b" && "$__falenv_styled$__falenv_compdef" == \
        "${FALENV_PROMPT-}:${NO_COLOR-}:${TERM-}${+functions[compdef]}" && \
        -e "$__falenv_index" && -e "$__falenv_store" &&
        ! "$__falenv_store" -nt "$__falenv_index" && ! "$__falenv_store" -ot "$__falenv_index" ]]
    then
        if [[ "${PWD-}" != "$__falenv_pwd" || -n "$__falenv_seen$__falenv_f9" ||
            -e "$__falenv_f1" || -e "$__falenv_f2" || -e "$__falenv_f3" || -e "$__falenv_f4" ||
            -e "$__falenv_f5" || ( -n "$__falenv_f6" && \
            ( -e "$__falenv_f6" || -e "$__falenv_f7" || -e "$__falenv_f8" ) ) ]]
        then
            # A new folder assigns many variables, and the text of a file is one of the caller's.
            if [[ "${PWD-}" == "$__falenv_pwd" && "${options[warnnestedvar]-}" != on ]]; then
                __falenv_find_links
            else
                __falenv_guarded __falenv_find_links
            fi
        fi
        if [[ -z "$__falenv_moved$__falenv_dotenv" && "$__falenv_drawn" == \
            "${PROMPT-}${(%%)__falenv_probe}${precmd_functions-}" ]]; then
            return 0
        elif [[ -z "$__falenv_moved$__falenv_dotenv" ]]; then
            __falenv_update __falenv_show
            return 0
        fi
    fi
    __falenv_update __falenv_catch_up
    return 0
}

# Runs after the functions that others have put behind the hook. They may assign PROMPT or psvar.
__falenv_hook_last() {
    if [[ "${PROMPT-}${(%%)__falenv_probe}${precmd_functions-}" != "$__falenv_drawn" ]]; then
        __falenv_update __falenv_show
    fi
    return 0
}

# A widget has changed the folder while the user edits a line. A `cd` in a line, in a function or in a
# completion waits for the next prompt.
__falenv_hook_chpwd() {
    if [[ "$ZSH_SUBSHELL" == 0 && -o zle ]] && \builtin zle; then
        local __falenv_widget="$__falenv_name:$__falenv_why:${FALENV_MARK-}"
        __falenv_update __falenv_catch_up
        if [[ "${__falenv_name-}:${__falenv_why-}:${FALENV_MARK-}" != "$__falenv_widget" ]]; then
            \builtin zle .reset-prompt
        fi
    fi
    return 0
}

# Run $1 under __falenv_guarded. Note before it what the probe gives under the user's options, and after
# it what the hooks compare. A plain assignment can warn (warn_nested_var).
__falenv_update() {
    \builtin typeset -g __falenv_how="${(%%)__falenv_probe}"
    __falenv_guarded "$1"
    if [[ -n "${__falenv_exe-}" ]]; then
        \builtin typeset -g \
            __falenv_drawn="${PROMPT-}${(%%)__falenv_probe}${precmd_functions-}"
    fi
}

# --- The prompt -----------------------------------------------------------------------------------

# zsh runs nothing in the value of a variable. With prompt_subst, PROMPT names __falenv_segment. Without
# it only psvar brings a text into a prompt.
#
# PROMPT never contains the text itself. Another tool may save a copy of PROMPT and restore it after
# this shell has left the account.

# For the user's own PROMPT, with prompt_subst: '$(falenv_prompt)%# '. Print the active profile in
# format $1, else in that of FALENV_PROMPT, else in the default one, with % doubled for PROMPT.
falenv_prompt() {
    local __falenv_status=$? __falenv_how="${(%%)__falenv_probe}"
    __falenv_guarded __falenv_print "${1-}"
    return $__falenv_status
}

__falenv_print() {
    local __falenv_filled= __falenv_form=${FALENV_PROMPT:-$__falenv_format}
    [[ $__falenv_form != off ]] || __falenv_form=$__falenv_format
    __falenv_fill "${1:-$__falenv_form}"
    __falenv_double
    \builtin print -rn -- "$__falenv_filled"
}

# Double in __falenv_filled what the prompt would expand under the user's options.
__falenv_double() {
    case $__falenv_how in
        '%|'*) __falenv_filled=${__falenv_filled//\%/%%} ;;
    esac
    case $__falenv_how in
        '%|!|'* | '%%|!|'*) __falenv_filled=${__falenv_filled//\!/!!} ;;
    esac
}

# Put the segment in front of the prompt, unless another program draws the prompt or the user places
# the segment.
__falenv_show() {
    # compinit may run later, or never. falenv waits for it, and never runs it.
    __falenv_complete_register
    __falenv_compdef=${+functions[compdef]}
    local __falenv_filled= __falenv_rest=${PROMPT-} __falenv_new= __falenv_found= __falenv_v=
    local __falenv_elsewhere=
    local __falenv_text="%${__falenv_slot}v" __falenv_color="%$((__falenv_slot + 1))v"
    local __falenv_plain="%${__falenv_slot}(V.$__falenv_text.)"
    __falenv_text=$'%{\e['"$__falenv_color"$'m%}'"$__falenv_text"$'%{\e[22;39m%}'
    local __falenv_colored="%${__falenv_slot}(V.$__falenv_text.)"
    if [[ -n $__falenv_name && -z $__falenv_segment_off && ${FALENV_PROMPT-} != off ]]; then
        __falenv_fill "${FALENV_PROMPT:-$__falenv_format}"
    fi
    for __falenv_v in '${__falenv_segment-}' "$__falenv_plain" "$__falenv_colored"; do
        if [[ $__falenv_rest == *"$__falenv_v"* ]]; then
            __falenv_rest=${__falenv_rest//"$__falenv_v"/} __falenv_found=$__falenv_v
        fi
    done
    if __falenv_is_fixed; then
        __falenv_new=$__falenv_found __falenv_elsewhere=yes
    else
        __falenv_place
        if [[ ${PROMPT-} != *"$__falenv_new"* || ${PROMPT/"$__falenv_new"/} != "$__falenv_rest" ]]; then
            PROMPT=$__falenv_new$__falenv_rest
        fi
    fi
    __falenv_segment=
    if [[ -z $__falenv_filled || $__falenv_new != %* ]]; then
        __falenv_clear_slots
    else
        __falenv_fill_slots
    fi
    if [[ -n $__falenv_filled && $__falenv_new == \$* ]]; then
        __falenv_filled=${(V)__falenv_filled}
        __falenv_double
        if [[ $__falenv_how == '%|'* && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
            __falenv_filled=$'%{\e['"${__falenv_sgr}m%}$__falenv_filled"$'%{\e[22;39m%}'
        fi
        __falenv_segment=$__falenv_filled
    fi
    # Also while there is no segment: when one comes, it has to be there at once.
    if [[ -z $__falenv_elsewhere && ${precmd_functions[-1]-} != __falenv_* ]]; then
        precmd_functions=(${precmd_functions:#__falenv_hook_last} __falenv_hook_last)
    fi
}

# True if the user has made the prompt read-only, under any of its names.
__falenv_is_fixed() {
    __falenv_is_readonly PROMPT || __falenv_is_readonly PS1 || __falenv_is_readonly prompt
}

# Choose what PROMPT contains for the segment, into __falenv_new. Empty: nothing. Set
# __falenv_elsewhere if the segment is not falenv's to draw.
__falenv_place() {
    local __falenv_v=
    __falenv_elsewhere=yes
    [[ $__falenv_rest${RPROMPT-} != *falenv_prompt* ]] || return 0
    # starship, powerlevel10k, oh-my-posh, Pure and spaceship draw the whole prompt. After a change of
    # the theme their functions stay defined, but are no longer in the array.
    for __falenv_v in "${precmd_functions[@]}"; do
        case $__falenv_v in
            starship_precmd | prompt_starship_precmd | _p9k_precmd | _omp_precmd | \
                prompt_ohmyposh_precmd | prompt_pure_precmd | prompt_spaceship_precmd) return 0 ;;
        esac
    done
    __falenv_elsewhere=
    [[ -n $__falenv_filled ]] || return 0
    case $__falenv_how in
        "%|!|$__falenv_slot|"* | "%|!!|$__falenv_slot|"* | \
            "%%|!|$__falenv_slot|"* | "%%|!!|$__falenv_slot|"*)
            __falenv_new='${__falenv_segment-}'
            return 0
            ;;
        '%|'*) ;;
        *) return 0 ;; # without prompt_percent too, only the text itself would show
    esac
    # %(1v counts the elements of psvar, and would count falenv's.
    case $__falenv_rest${RPROMPT-}${PS2-} in
        *%\(v* | *%[0-9]\(v* | *%[0-9][0-9]\(v* | *%\([0-9]v* | *%\([0-9][0-9]v*) return 0 ;;
    esac
    if __falenv_is_readonly psvar || __falenv_is_readonly PSVAR ||
        { [[ -z $__falenv_psvars ]] && ((${#psvar} >= __falenv_slot)); }; then
        return 0
    fi
    __falenv_new=$__falenv_colored
    if [[ -n ${NO_COLOR-} || ${TERM-dumb} == dumb ]]; then
        __falenv_new=$__falenv_plain
    fi
}

__falenv_fill_slots() {
    # The user may have assigned psvar since.
    if [[ -z $__falenv_psvars ]] || ((${#psvar} <= __falenv_slot)); then
        __falenv_psvars=${#psvar}
    fi
    psvar[__falenv_slot]=$__falenv_filled
    psvar[__falenv_slot+1]=$__falenv_sgr
}

# Give psvar the number of elements that it had.
__falenv_clear_slots() {
    [[ -n $__falenv_psvars ]] || return 0
    if ((${#psvar} > __falenv_slot)); then
        psvar[__falenv_slot]= psvar[__falenv_slot+1]=
        while ((${#psvar} > __falenv_psvars)) && [[ -z ${psvar[-1]} ]]; do
            psvar[-1]=()
        done
    fi
    __falenv_psvars=
}

# --- Installing, once however often a shell reads this ---------------------------------------------

# Remember what `off` restores, and install the hook.
__falenv_load() {
    # The elements of psvar that hold the text and its colour. Pure uses 12 to 23.
    __falenv_slot=40
    # What this expands to depends on prompt_percent, prompt_bang and prompt_subst, and on psvar.
    __falenv_probe='%%|!!|${__falenv_slot}|'"%${__falenv_slot}v"
    local __falenv_found=
    # An array, because the environment cannot contain one.
    if [[ ${(t)__falenv_loaded-} != array* || ${__falenv_loaded[1]} != $$ ]]; then
        __falenv_init new compdef how drawn
        \builtin unset __falenv_paths __falenv_links __falenv_loaded __falenv_psvars
        \builtin typeset -ga __falenv_paths __falenv_links __falenv_loaded
        __falenv_keep_command "fal"
        __falenv_keep_command "falenv"
        __falenv_keep_all
        __falenv_loaded=($$)
        [[ ${(t)PSVAR} != *export* ]] || __falenv_found=yes
    else
        __falenv_init again compdef how drawn
        __falenv_keep_pin
        __falenv_found=yes
        # The older version's hook, which is running, may not have noted it.
        [[ -n $__falenv_how ]] || __falenv_how=${(%%)__falenv_probe}
    fi
    # A shell above may have exported psvar (all_export), or an older version may have filled it here:
    # drop the elements that falenv has put there.
    if ((! ${+__falenv_psvars})); then
        __falenv_psvars=
        if [[ -n $__falenv_found && ${(t)PSVAR}${(t)psvar} != *readonly* ]] &&
            ((${#psvar} > __falenv_slot)); then
            psvar[__falenv_slot+2,-1]=()
            __falenv_psvars=0
            __falenv_clear_slots
        fi
    fi
    # In quotes, because zsh expands a global alias anywhere.
    \builtin unalias "fal" "falenv" 2>/dev/null || :
    # Behind the others: direnv's hook goes in front, and changes what this one looks at.
    if [[ -o interactive ]]; then
        \builtin typeset -ga precmd_functions
        precmd_functions=(${precmd_functions:#__falenv_hook*} __falenv_hook)
        \builtin typeset -ga chpwd_functions
        chpwd_functions=(${chpwd_functions:#__falenv_hook_chpwd} __falenv_hook_chpwd)
    fi
    return 0
}

# Remember the user's function and alias $1. Copy both under names of falenv's, so that they can still
# run.
__falenv_keep_command() {
    local __falenv_text=
    \builtin unset __falenv_function_$1
    \builtin typeset -g __falenv_aliased_$1=
    if ((${+functions[$1]})); then
        # A function that zsh has not loaded yet is found by the name of its file.
        if [[ ${functions[$1]} == 'builtin autoload -X'* ]]; then
            __falenv_text=$(\builtin functions $1)
            __falenv_text=${__falenv_text##*-X}
            __falenv_text=${__falenv_text%%[^a-zA-Z]*}
            __falenv_text=${__falenv_text:+-$__falenv_text}
            \builtin typeset -g __falenv_aliased_$1="\\builtin autoload $__falenv_text \\$1"
            \builtin autoload +X $1 2>/dev/null
        else
            \builtin typeset -g __falenv_function_$1=${functions[$1]}
        fi
        functions[__falenv_users_$1]=${functions[$1]}
    fi
    if \builtin alias "$1" >/dev/null; then
        __falenv_text=__falenv_aliased_$1
        \builtin typeset -g __falenv_aliased_$1="${(P)__falenv_text}"$'\n'"$(\builtin alias -L "$1")"
        __falenv_text=${aliases[$1]-${galiases[$1]-}}
        # An alias does not expand itself again.
        \builtin unalias "$1"
        { functions[__falenv_alias_$1]="$__falenv_text \"\$@\"" } 2>/dev/null
    fi
}

# Restore what __falenv_keep_command found.
__falenv_restore_command() {
    local __falenv_v=__falenv_function_$1
    \builtin unfunction "$1"
    if ((${(P)+__falenv_v})); then
        functions[$1]=${(P)__falenv_v}
    fi
    __falenv_v=__falenv_aliased_$1
    \builtin eval "${(P)__falenv_v}"
}

# Remove the hook, functions, completion, segment and variables.
__falenv_remove() {
    # Without a name the segment is empty.
    __falenv_name=
    __falenv_show
    precmd_functions=(${precmd_functions:#__falenv_hook*})
    if ((${#precmd_functions} == 0)); then
        \builtin unset precmd_functions
    fi
    chpwd_functions=(${chpwd_functions:#__falenv_hook_chpwd})
    if ((${#chpwd_functions} == 0)); then
        \builtin unset chpwd_functions
    fi
    __falenv_complete_unregister
    \builtin unfunction falenv_prompt
    __falenv_restore_command "fal"
    __falenv_restore_command "falenv"
    \builtin unset ${(Mk)parameters:#__falenv_*}
    \builtin unfunction ${(Mk)functions:#__falenv_*}
}

# Run the user's alias or function `fal`, or else the official CLI. Inside the alias, `fal` is what it
# was without the alias.
__falenv_hand_over() {
    if [[ -z "${__falenv_in_alias-}" ]] && \builtin whence -w __falenv_alias_fal >/dev/null; then
        local __falenv_in_alias=yes
        __falenv_alias_fal "$@"
    elif \builtin whence -w __falenv_users_fal >/dev/null; then
        __falenv_users_fal "$@"
    else
        "$__falenv_exe" -- "$@"
    fi
}

__falenv_guarded __falenv_load

# zsh parses all of this before it runs any of it, so it would still expand an alias in `fal()`, and a
# global alias in plain `fal`.
#
# Some tools copy only functions whose names begin with a letter into another shell. Without the other
# functions, or without the program, this is the plain command.
function \fal {
    if [[ ! -x "${__falenv_exe-}" ]] || ! \builtin whence -w __falenv_guarded >/dev/null; then
        \command \fal "$@"
        return
    fi
    case "${1-}" in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_profile "$@"
            ;;
        *) __falenv_hand_over "$@" ;;
    esac
}
function \falenv {
    if [[ ! -x "${__falenv_exe-}" ]] || ! \builtin whence -w __falenv_guarded >/dev/null; then
        \command \falenv "$@"
        return
    fi
    case "${1-}" in
        profile | profiles)
            \builtin shift
            __falenv_guarded __falenv_profile "$@"
            ;;
        *) "$__falenv_exe" "$@" ;;
    esac
}
