# falenv's integration for fish, 3.4 and later.
#
# Read after a prelude of assignments and before a state, both as falenv.bash describes them; the
# functions here have that file's names and meanings. Every name begins with __falenv_, but for
# the functions fal and falenv_prompt. No variable holds a key, but for __falenv_old_*: what the
# user had before.
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

# --- Following the store and the folder ----------------------------------------------------------

function __falenv_settle
    set -g __falenv_pin "$FAL_PROFILE"
    set -g __falenv_marked "$FALENV_PROFILE"
    set -g __falenv_where "$FAL_CONFIG_PATH:$HOME"
    set -g __falenv_around
    set -qg __falenv_pwd
    or __falenv_look
    set -g __falenv_moved
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

function __falenv_is_fresh
    if string match -q '*/none-*' -- $argv[1]
        test -e $argv[1] -a ! -e "$__falenv_store"
    else
        test -e "$argv[1]" -a -e "$__falenv_store" \
            -a ! "$__falenv_store" -nt "$argv[1]" -a ! "$__falenv_store" -ot "$argv[1]"
    end
end

function __falenv_is_ours
    test -O (string replace -r '/[^/]*$' '' -- $argv[1]) -a -O $argv[1] -a -f $argv[1] \
        -a -r $argv[1] -a ! -L $argv[1]
end

function __falenv_look
    if test "$PWD" != "$__falenv_pwd"
        set -g __falenv_pwd $PWD
        set -g __falenv_links
        # For the quick test in the hook: that none of them is there.
        set -g __falenv_absent
        set -l folder
        for part in '' (string split -n / -- $PWD)
            test -n "$part"
            and set folder "$folder/$part"
            set -gp __falenv_links "$folder/.fal-profile"
            set -ga __falenv_absent -a ! -e "$folder/.fal-profile"
        end
    end
    set -l link
    set -l text
    for file in $__falenv_links
        if test -e $file
            set link $file
            test -f $file -a -r $file
            and builtin read -z -n 513 text <$file
            break
        end
    end
    if test "$link:$text" != "$__falenv_link:$__falenv_text"
        set -g __falenv_link $link
        set -g __falenv_text "$text"
        set -g __falenv_moved yes
    end
end

# In fish a function does not see its caller's variables: it prints by what, and which.
function __falenv_choose
    if test -n "$argv[1]"
        builtin printf '%s\n' pin $argv[1]
        return
    else if test -z "$__falenv_link"
        echo default
        return
    end
    set -l note $__falenv_notes/(string replace -a % %% -- $__falenv_link | string replace -a / %)
    __falenv_is_ours $note
    or return 1
    set -l word
    set -l entry
    begin
        builtin read word
        builtin read entry
    end <$note
    if test "$word" = denied
        echo default
        return
    end
    contains -- "$__falenv_text" $entry $entry\n
    and test -f $__falenv_link -a ! -L $__falenv_link -a -O $__falenv_link
    or return 1
    switch $word
        case allowed
            builtin printf '%s\n' folder $entry
        case noticed
            echo default
        case '*'
            return 1
    end
end

function __falenv_read
    test -n "$__falenv_index"
    and __falenv_is_here
    and test -r "$__falenv_store"
    or return 1
    set -l choice (__falenv_choose "$argv[1]")
    or return 1
    set -l now
    for now in (string replace -r '/[^/]*$' '' -- $__falenv_index)/*
        __falenv_is_fresh $now
        and break
    end
    __falenv_is_ours "$now"
    or return 1
    # Each file in one piece, since fish's builtins are not quick.
    builtin read -z -l -a -d \n entries <$now
    builtin read -z -l -a -d \n lines <$__falenv_store
    set -l want $choice[2]
    test -n "$want"
    or set want $entries[1]
    set -e entries[1]
    set -l names (string split -m 1 -f 2 ' ' -- $entries)
    if test -n "$argv[2]"; and not contains -- "$argv[2]" $names
        return 1
    end
    set -l at (contains -i -- "$want" $names)
    or return 1
    # The number of a line; a colour may follow it. No pipes, which cost fish the most.
    set -l place (string match -rg '^([1-9]\d{0,8})(?:;([\d;]*))? ' -- $entries[$at])
    or return 1
    set -l key $lines[$place[1]]
    set -l table (string match -rg '^[ \t]*(\[.*?)[ \t]*$' -- $lines[1..$place[1]])[-1]
    contains -- "$table" "[$want]" "[\"$want\"]"
    and string match -q 'key*"*"*' -- "$key"
    and __falenv_is_fresh $now
    or return 1
    set key (string split -m 2 -f 2 '"' -- $key)

    # As the state does: an empty global one covers a universal one.
    for v in (string split ' ' -- $__falenv_vars)
        set -e -g $v
        set -qUx $v
        and set -gx $v
    end
    set -gx FAL_KEY $key
    set -gx FALENV_PROFILE $want
    set -g __falenv_name $want
    set -g __falenv_shown $want
    set -g __falenv_why $choice[1]
    set -g __falenv_sgr $place[2]
    test -n "$__falenv_sgr"
    or set -g __falenv_sgr 2
    set -g __falenv_index $now
    set -g __falenv_id (__falenv_id_of $key)
end

function __falenv_state
    set -lx FAL_PROFILE $argv[1]
    $__falenv_exe profile env --shell fish --refresh $argv[2..-1] </dev/null
end

function __falenv_follow
    set -l left
    __falenv_keep_pin
    __falenv_look
    set -g __falenv_moved
    if test $argv[1] = change
        __falenv_owns_key
        or return 0
        set left $__falenv_name
    end
    set -l options --was "$left"
    test $argv[1] = start
    and set options --cache "$__falenv_cached"
    if __falenv_read "$FAL_PROFILE" "$left"
        __falenv_settle
        return 0
    end
    set -l out (__falenv_state "$FAL_PROFILE" $options | string collect)
    set -l code $pipestatus[1]
    if test -n "$out"
        eval "$out"
    else if test "$code" != 130
        set -g __falenv_index
    end
end

function __falenv_check
    __falenv_look
    if test -n "$__falenv_moved"
        __falenv_follow change
    else if test -n "$__falenv_index"
        __falenv_is_fresh $__falenv_index
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
    if test "$FAL_PROFILE:$FALENV_PROFILE" != "$__falenv_pin:$__falenv_marked"
        or not __falenv_is_here
        __falenv_follow switch
    else
        __falenv_check
    end
    __falenv_show
    set -g __falenv_around "$__falenv_pin:$__falenv_marked:$__falenv_where"
    set -g __falenv_styled "$FALENV_PROMPT:$NO_COLOR:$TERM"
end

# --- Beginning without a process -----------------------------------------------------------------

function __falenv_begin
    __falenv_follow start
end

# --- The prompt ----------------------------------------------------------------------------------

# Is fish_prompt the one that we put in the place of the user's own?
function __falenv_has_prompt
    functions fish_prompt | string match -q '*__falenv_segment*'
end

# Print format $argv[1], filled in.
function __falenv_fill
    test -n "$__falenv_name"
    or return 0
    set -l mark
    switch "$__falenv_why"
        case pin
            set mark $__falenv_mark_pin
        case folder
            set mark $__falenv_mark_folder
    end
    set -l text (string replace -a '{why}' "$__falenv_why" -- $argv[1] | string collect)
    set text (string replace -a '{mark}' "$mark" -- $text | string collect)
    # The name last: what it contains is not filled in again.
    set text (string replace -a '{name}' "$__falenv_shown" -- $text | string collect)
    set -l locale $LC_ALL $LC_CTYPE $LANG
    string match -qi -e utf8 -- (string replace - '' -- "$locale[1]")
    or set text (string replace -ra '[^\x20-\x7e]' '?' -- $text | string collect)
    builtin printf '%s' $text
end

# For the user's own fish_prompt or fish_right_prompt. Prints the active profile in format $argv[1],
# or FALENV_PROMPT, or the default.
function falenv_prompt --description 'Print the active fal profile'
    set -l before $status
    set -l form $argv[1]
    test -n "$form" -o "$FALENV_PROMPT" = off
    or set form $FALENV_PROMPT
    test -n "$form"
    or set form $__falenv_format
    __falenv_fill "$form"
    return $before
end

# Put the segment before fish_prompt, once; whoever redefines that afterwards has his own way.
function __falenv_show
    set -g __falenv_segment
    if test -n "$__falenv_name"; and test -z "$__falenv_segment_off"; and test "$FALENV_PROMPT" != off
        set -l form $FALENV_PROMPT
        test -n "$form"
        or set form $__falenv_format
        set -g __falenv_segment (__falenv_fill "$form" | string collect)
        if test -z "$NO_COLOR"; and test -n "$TERM"; and test "$TERM" != dumb
            set -g __falenv_segment \e"[$__falenv_sgr"m$__falenv_segment\e'[22;39m'
        end
    end
    if not set -q __falenv_prompt_done
        set -g __falenv_prompt_done yes
        # starship, tide and oh-my-posh draw the whole prompt; one that calls us has its own place.
        functions fish_prompt fish_right_prompt 2>/dev/null |
            string match -qr 'STARSHIP_|_tide_|\b_?omp_|falenv_prompt'
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
    __falenv_look
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
    # Of what direnv has set here it alone knows.
    if test -n "$DIRENV_DIR"
        set -lx __falenv_shell done
        $__falenv_exe profile use $argv
    end
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
                case 0:set 0:unset 0:create 0:link 0:unlink 0:allow 0:deny
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
    complete -c fal -c falenv -f -a '(__falenv_complete_begin)'
    if status is-interactive
        set -e -g __falenv_prompt_done
        # Defined anew at the first prompt, it comes behind the others: direnv's, which changes
        # what we look at, may be defined after this.
        function __falenv_hook --on-event fish_prompt
            function __falenv_hook --on-event fish_prompt
                # Most prompts end here: one builtin, since neither they nor functions are quick.
                test -x "$__falenv_exe" -a -z "$__falenv_link" -a "x$PWD" = "x$__falenv_pwd" \
                    -a "x$FAL_PROFILE:$FALENV_PROFILE:$FAL_CONFIG_PATH:$HOME" = "x$__falenv_around" \
                    -a "x$FALENV_PROMPT:$NO_COLOR:$TERM" = "x$__falenv_styled" \
                    -a -e "$__falenv_index" -a -e "$__falenv_store" \
                    -a ! "$__falenv_store" -nt "$__falenv_index" \
                    -a ! "$__falenv_store" -ot "$__falenv_index" $__falenv_absent
                or __falenv_precmd
            end
            __falenv_precmd
        end
    end
end

# The completions take the place of this at the first TAB: no shell starts slower for them.
function __falenv_complete_begin
    complete -e -c fal
    complete -e -c falenv
    builtin source $__falenv_completions
    complete -C (commandline -cp | string collect)
end

function __falenv_remove
    complete -e -c fal
    complete -e -c falenv
    functions -e fal falenv_prompt
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
        printf '%s\n' $completion | builtin source
        return
    end
    # What fish would have loaded when it was wanted, had we not kept it from that.
    for folder in $fish_complete_path
        if test -r $folder/fal.fish
            builtin source $folder/fal.fish
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
