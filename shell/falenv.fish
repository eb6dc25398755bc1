# falenv's integration for fish, 3.4 and later.
#
# Read after a prelude of assignments and before a state, both as falenv.bash describes them; the
# functions here have that file's names and meanings. Every name begins with __falenv_, but for
# the function fal. No variable holds a key, but for __falenv_old_*: what the user had before.
#
# All variables are global. A universal one of the same name is neither read nor changed; it
# shows again when ours is gone. `builtin` reaches past the user's own functions. fish does not
# trace (fish_trace) what it runs for a prompt; where the user runs us, we see to that.

# --- What was there before -----------------------------------------------------------------------

function __falenv_keep
    for v in $argv
        if set -qg $v
            set -g __falenv_was_$v set
            set -qgx $v
            and set -g __falenv_was_$v exported
            set -g __falenv_old_$v $$v
        else
            set -g __falenv_was_$v unset
        end
    end
end

function __falenv_give_back
    for v in $argv
        set -l was __falenv_was_$v
        set -l old __falenv_old_$v
        switch "$$was"
            case exported
                set -gx $v $$old
            case set
                set -e -g $v
                set -g $v $$old
            case unset
                set -e -g $v
        end
    end
end

function __falenv_keep_pin
    test "$FAL_PROFILE" = "$__falenv_pin"
    or __falenv_keep FAL_PROFILE
end

# --- Following the store -------------------------------------------------------------------------

function __falenv_settle
    set -g __falenv_pin "$FAL_PROFILE"
    set -g __falenv_marked "$FALENV_PROFILE"
    set -g __falenv_where "$FAL_CONFIG_PATH:$HOME"
end

function __falenv_is_here
    test "$FAL_CONFIG_PATH:$HOME" = "$__falenv_where"
end

# The part of a key before the colon; `-` where it has none.
function __falenv_id_of
    if string match -q '*:*' -- $argv[1]
        string split -f 1 : -- $argv[1]
    else if test -n "$argv[1]"
        echo -
    end
end

function __falenv_owns_key
    test (__falenv_id_of "$FAL_KEY" | string collect -a) = "$__falenv_id"
end

function __falenv_unchanged
    set -l head
    test -r "$__falenv_index"
    and builtin read -l head <$__falenv_index
    and test -n "$argv[1]"
    and test "$head" = "$argv[1]"
    or return 1
    if string match -q -- '- *' $head
        not test -e "$__falenv_store"
    else
        test -e "$__falenv_store"
        and not test "$__falenv_store" -nt "$__falenv_index"
        and not test "$__falenv_store" -ot "$__falenv_index"
    end
end

function __falenv_read
    __falenv_is_here
    and test -r "$__falenv_index"
    and test -r "$__falenv_store"
    or return 1
    # Each file in one piece, since fish's builtins are not quick.
    builtin read -z -l -a -d \n entries <$__falenv_index
    builtin read -z -l -a -d \n lines <$__falenv_store
    set -l head $entries[1]
    set -e entries[1]
    set -l names (string split -m 1 -f 2 ' ' -- $entries)
    set -l want $argv[1]
    test -n "$want"
    or set want (string split -m 1 -f 2 ' ' -- $head)
    if test -n "$argv[2]"; and not contains -- "$argv[2]" $names
        return 1
    end
    set -l at (contains -i -- "$want" $names)
    and string match -qr '^[1-9]' -- $entries[$at]
    or return 1
    set -l text $lines[(string split -f 1 ' ' -- $entries[$at])]
    string match -q 'key*"*"*' -- "$text"
    and __falenv_unchanged $head
    or return 1
    set text (string split -m 2 -f 2 '"' -- $text)

    # As the state does: an empty global one covers a universal one.
    for v in (string split ' ' -- $__falenv_vars)
        set -e -g $v
        set -qUx $v
        and set -gx $v
    end
    set -gx FAL_KEY $text
    set -gx FALENV_PROFILE $want
    set -g __falenv_name $want
    set -g __falenv_seen $head
    set -g __falenv_id (__falenv_id_of $text)
end

function __falenv_state
    set -lx FAL_PROFILE $argv[1]
    $__falenv_exe profile env --shell fish --refresh $argv[2..-1] </dev/null
end

function __falenv_follow
    set -l left
    __falenv_keep_pin
    if test $argv[1] = change
        __falenv_owns_key
        or return 0
        set left $__falenv_name
    end
    if __falenv_read "$FAL_PROFILE" "$left"
        __falenv_settle
        return 0
    end
    set -l out (__falenv_state "$FAL_PROFILE" --was "$left" | string collect)
    set -l code $pipestatus[1]
    if test -n "$out"
        eval "$out"
    else if test "$code" != 130
        set -g __falenv_index
    end
end

function __falenv_check
    if test -n "$__falenv_index"
        __falenv_unchanged "$__falenv_seen"
        or __falenv_follow change
    end
end

function __falenv_precmd
    if not test -x "$__falenv_exe"
        builtin printf 'falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more\n' \
            "$__falenv_exe" >&2
        __falenv_remove
        return
    end
    # FALENV_PROFILE changes where direnv, say, puts back all the variables that it had seen.
    if test "$FAL_PROFILE:$FALENV_PROFILE" != "$__falenv_pin:$__falenv_marked"
        or not __falenv_is_here
        __falenv_follow switch
    else
        __falenv_check
    end
    __falenv_show
end

# --- Beginning without a process -----------------------------------------------------------------

function __falenv_begin
    if __falenv_read "$FAL_PROFILE"
        __falenv_settle
        return
    end
    set -l out (__falenv_state "$FAL_PROFILE" --cache $__falenv_cached | string collect)
    set -l code $pipestatus[1]
    if test -n "$out"
        eval "$out"
    else if test "$code" != 130
        set -g __falenv_index
    end
end

# --- The prompt ----------------------------------------------------------------------------------

# Is fish_prompt the one that we put in the place of the user's own?
function __falenv_has_prompt
    functions fish_prompt | string match -q '*__falenv_segment*'
end

# Put the segment before fish_prompt, once; whoever redefines that afterwards has his own way.
function __falenv_show
    # Most prompts are like the one before, and fish's builtins are not quick.
    set -l asked "$__falenv_name:$FAL_PROFILE:$FALENV_PROMPT:$NO_COLOR:$TERM"
    test "$asked" = "$__falenv_asked"; and set -q __falenv_prompt_done
    and return
    set -g __falenv_asked $asked
    set -g __falenv_segment
    if test -n "$__falenv_name"; and test -z "$__falenv_segment_off"; and test "$FALENV_PROMPT" != off
        set -l name (string replace -ra '[[:cntrl:]]' '?' -- $__falenv_name)
        set -l mark
        test -n "$FAL_PROFILE"
        and set mark '*'
        set -g __falenv_segment "(fal:$name$mark) "
        if test -z "$NO_COLOR"; and test -n "$TERM"; and test "$TERM" != dumb
            set -g __falenv_segment \e'[2m'$__falenv_segment\e'[22m'
        end
    end
    if not set -q __falenv_prompt_done
        set -g __falenv_prompt_done yes
        functions -q starship_transient_prompt_func
        or functions -q _tide_sub_cmd
        or functions -q enable_poshtransientprompt
        and return
        if functions -q fish_prompt; and not __falenv_has_prompt
            functions -e __falenv_fish_prompt
            functions -c fish_prompt __falenv_fish_prompt
            # The user's prompt first, which then finds $status and $pipestatus as they were.
            function fish_prompt
                set -l text (__falenv_fish_prompt | string collect -N)
                builtin printf '%s%s' "$__falenv_segment" "$text"
            end
        end
    end
end

# --- The command ---------------------------------------------------------------------------------

function __falenv_program
    set -lx __falenv_shell live
    $__falenv_exe profile $argv
end

function __falenv_use
    set -l to
    set -l clear yes
    switch (count $argv):"$argv[1]"
        case 1:--default
        case 1:-
            set to $__falenv_before
            set -q __falenv_before
            or set clear
        case '1:-*' 1:
            set clear
        case '1:*'
            set to $argv[1]
        case 2:--
            set to $argv[2]
            test -n "$to"
            or set clear
        case '*'
            set clear
    end
    if test -z "$clear"
        __falenv_program use $argv
        return
    end
    __falenv_keep_pin
    if not __falenv_read "$to"
        set -l out (__falenv_state "$to" | string collect)
        set -l code $pipestatus[1]
        test $code = 0
        or return $code
        eval "$out"
    end
    set -g __falenv_before "$FAL_PROFILE"
    if test -n "$to"
        set -gx FAL_PROFILE $to
    else
        set -e -g FAL_PROFILE
    end
    __falenv_settle
end

function __falenv_off
    __falenv_keep_pin
    set -l vars (string split ' ' -- $__falenv_vars) FAL_PROFILE
    __falenv_owns_key
    or set vars (string match -v FAL_KEY -- $vars)
    __falenv_give_back $vars
    __falenv_remove
end

function __falenv_profile
    # Exported, since the functions called from here see it only then; empty, which is off.
    set -q fish_trace
    and set -lx fish_trace
    switch (count $argv):"$argv[1]"
        case 1:off
            __falenv_off
        case '*:use'
            __falenv_use $argv[2..-1]
        case '*'
            __falenv_program $argv
            set -l code $status
            switch $code:"$argv[1]"
                case 0:set 0:unset 0:create
                    __falenv_follow switch
                case '*'
                    __falenv_check
            end
            return $code
    end
end

# --- Installing, once however often this is read -------------------------------------------------

function __falenv_load
    if not set -qg __falenv_loaded
        functions -q fal
        and functions -c fal __falenv_fal
        __falenv_keep (string split ' ' -- $__falenv_vars) FAL_PROFILE
        set -g __falenv_completion (complete -c fal)
        set -g __falenv_loaded yes
    else
        __falenv_keep_pin
    end
    # This also keeps fish from loading another fal.fish over ours.
    complete -e -c fal
    complete -e -c falenv
    if status is-interactive
        set -e -g __falenv_prompt_done
        # Defined anew at the first prompt, it comes behind the others: direnv's, which changes
        # what we look at, may be defined after this.
        function __falenv_hook --on-event fish_prompt
            function __falenv_hook --on-event fish_prompt
                __falenv_precmd
            end
            __falenv_precmd
        end
    end
end

function __falenv_remove
    complete -e -c fal
    complete -e -c falenv
    functions -e fal
    functions -q __falenv_fal
    and functions -c __falenv_fal fal
    if functions -q __falenv_fish_prompt; and __falenv_has_prompt
        functions -e fish_prompt
        functions -c __falenv_fish_prompt fish_prompt
    end
    set -l completion $__falenv_completion
    functions -e (functions -a -n | string match '__falenv_*')
    set -e -g (set -n -g | string match '__falenv_*')
    if set -q completion[1]; and not string match -q '*__falenv_complete*' -- $completion
        printf '%s\n' $completion | source
        return
    end
    # What fish would have loaded when it was wanted, had we not kept it from that.
    for folder in $fish_complete_path
        if test -r $folder/fal.fish
            source $folder/fal.fish
            break
        end
    end
end

__falenv_load

function fal --description 'fal, with the profile commands acting on this shell'
    if not test -x "$__falenv_exe"; or not functions -q __falenv_profile
        command fal $argv
        return
    end
    switch "$argv[1]"
        case profile profiles
            __falenv_profile $argv[2..-1]
        case '*'
            $__falenv_exe $argv
    end
end
