# falenv's integration for fish, 3.4 and later.
#
# Read after a prelude of assignments and before a state, both as falenv.bash describes them; the
# functions here have that file's names and meanings. Every name begins with __falenv_, but for
# the functions fal and falenv_prompt. No variable holds a key, but for __falenv_old_*: what the
# user had before.
#
# Here is what a start and a prompt take; the rest, which fish parses only where it is needed, is
# the value of __falenv_rest, so that it is always that of the same version. No pipes and no
# command substitutions here, which cost fish the most: `string match` sets variables itself, those
# that its pattern names, from the first of its arguments that matches.
#
# All variables are global. A universal one of the same name is neither read nor changed; it
# shows again when ours is gone. `builtin` reaches past the user's own functions. fish does not
# trace (fish_trace) what it runs for a prompt; where the user runs us, we see to that.

# --- What was there before -----------------------------------------------------------------------

function __falenv_keep
    set -e -g __falenv_was_$argv
    for v in $argv
        if set -qg $v
            set -g __falenv_was_$v set
            set -qgx $v
            and set -g __falenv_was_$v exported
            set -g __falenv_old_$v $$v
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

function __falenv_owns_key
    set -l id
    string match -rq '^(?<id>[^:]*):' -- "$FAL_KEY"
    or test -z "$FAL_KEY"
    or set id -
    test "$id" = "$__falenv_id"
end

function __falenv_is_fresh
    if string match -q '*/none-*' -- $argv[1]
        test -e $argv[1] -a ! -e "$__falenv_store"
    else
        test -e "$argv[1]" -a -e "$__falenv_store" \
            -a ! "$__falenv_store" -nt "$argv[1]" -a ! "$__falenv_store" -ot "$argv[1]"
    end
end

# $argv[1] is the folder of file $argv[2].
function __falenv_is_ours
    test -O "$argv[1]" -a -O "$argv[2]" -a -f "$argv[2]" -a -r "$argv[2]" -a ! -L "$argv[2]"
end

function __falenv_look
    if test "$PWD" != "$__falenv_pwd"
        set -g __falenv_pwd $PWD
        set -g __falenv_links /.fal-profile
        # What `test` takes to say that none of them is there.
        set -g __falenv_absent ! -e /.fal-profile
        set -l folder
        set -l parts
        string match -raq '(?<parts>/[^/]+)' -- "$PWD"
        for part in $parts
            set folder "$folder$part"
            set -gp __falenv_links $folder/.fal-profile
            set -ga __falenv_absent -a ! -e $folder/.fal-profile
        end
    end
    set -l link
    set -l text
    if not test $__falenv_absent
        for file in $__falenv_links
            if test -e $file
                set link $file
                test -f $file -a -r $file
                and builtin read -z -n 513 text <$file
                break
            end
        end
    end
    if test "$link:$text" != "$__falenv_link:$__falenv_text"
        set -g __falenv_link $link
        set -g __falenv_text "$text"
        set -g __falenv_moved yes
    end
end

function __falenv_read
    test -n "$__falenv_index" -a -r "$__falenv_store"
    and __falenv_is_here
    or return 1
    set -l want $argv[1]
    set -l by default
    if test -n "$want"
        set by pin
    else if test -n "$__falenv_link"
        set -l choice (__falenv_late __falenv_choose)
        or return 1
        set by $choice[1]
        set want $choice[2]
    end
    set -l folder
    string match -rq '(?s)^(?<folder>.*)/' -- $__falenv_index
    set -l now
    for now in $folder/*
        __falenv_is_fresh $now
        and break
    end
    __falenv_is_ours "$folder" "$now"
    or return 1
    builtin read -z -l -a -d \n entries <$now
    builtin read -z -l -a -d \n lines <$__falenv_store
    test -n "$want"
    or set want $entries[1]
    # Not the default, and never no argument, in whose place `string` may take its input.
    set entries[1] ''
    if test -n "$argv[2]"
        contains -- "$argv[2]" (string replace -r '^\S+ ' '' -- $entries)
        or return 1
    end
    set -l place
    set -l sgr
    set -l name
    set -l table
    set -l key
    set -l id
    # The number of a line; a colour may follow it. A name with \E in it is not taken as it is.
    string match -rq "^(?<place>[1-9]\d{0,8})(?:;(?<sgr>[\d;]*))? (?<name>\Q$want\E)\$" \
        -- $entries 2>/dev/null
    and test "$name" = "$want"
    and string match -rq '^key[^"]*"(?<key>(?:(?<id>[^":]*):)?[^"]*)"' -- "$lines[$place]"
    # The table is the one whose header is the nearest above.
    and string match -rq '^[ \t]*(?<table>\[.*?)[ \t]*$' -- $lines[$place..1]
    and contains -- "$table" "[$want]" "[\"$want\"]"
    and __falenv_is_fresh $now
    or return 1

    # As the state does: an empty global one covers a universal one.
    set -e -g $__falenv_vars
    for v in $__falenv_vars
        set -qUx $v
        and set -gx $v
    end
    set -gx FAL_KEY $key
    set -gx FALENV_PROFILE $want
    set -g __falenv_name $want
    set -g __falenv_shown $want
    set -g __falenv_why $by
    set -g __falenv_sgr $sgr
    test -n "$sgr"
    or set -g __falenv_sgr 2
    set -g __falenv_index $now
    set -g __falenv_id $id
    set -q id[1]
    or test -z "$key"
    or set -g __falenv_id -
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
    if __falenv_read "$FAL_PROFILE" "$left"
        __falenv_settle
    else
        __falenv_late __falenv_ask $argv[1] "$left"
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
        __falenv_late __falenv_remove
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

# Fill in format $argv[1], into __falenv_filled.
function __falenv_fill
    set -g __falenv_filled
    test -n "$__falenv_name"
    or return 0
    set -l parts
    string match -raq '(?<parts>\{(?:name|mark|why)\}|[^{]+|\{)' -- $argv[1]
    for part in $parts
        switch $part
            case '{name}'
                set part $__falenv_shown
            case '{why}'
                set part $__falenv_why
            case '{mark}'
                set -l mark __falenv_mark_$__falenv_why
                set part $$mark
        end
        set __falenv_filled "$__falenv_filled$part"
    end
    set -l locale $LC_ALL $LC_CTYPE $LANG
    string match -riq 'utf-?8' -- "$locale[1]"
    or set __falenv_filled (string replace -ra '[^\x20-\x7e]' '?' -- $__falenv_filled | string collect)
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
    builtin printf '%s' $__falenv_filled
    return $before
end

# Put the segment before fish_prompt, once; whoever redefines that afterwards has his own way.
function __falenv_show
    set -g __falenv_segment
    if test -n "$__falenv_name"; and test -z "$__falenv_segment_off"; and test "$FALENV_PROMPT" != off
        set -l form $FALENV_PROMPT
        test -n "$form"
        or set form $__falenv_format
        __falenv_fill "$form"
        set __falenv_segment $__falenv_filled
        if test -z "$NO_COLOR"; and test -n "$TERM"; and test "$TERM" != dumb
            set __falenv_segment \e"[$__falenv_sgr"m$__falenv_filled\e'[22;39m'
        end
    end
    if not set -q __falenv_prompt_done
        set -g __falenv_prompt_done yes
        # starship, tide and oh-my-posh draw the whole prompt; one that calls us has its own place.
        functions fish_prompt fish_right_prompt 2>/dev/null |
            string match -qr 'STARSHIP_|_tide_|\b_?omp_|falenv_prompt|__falenv_segment'
        and return
        if functions -q fish_prompt
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

# --- Installing, once however often this is read -------------------------------------------------

function __falenv_load
    # From here on a list.
    string match -raq '(?<__falenv_vars>\S+)' -- "$__falenv_vars"
    if not set -qg __falenv_loaded
        functions -q fal
        and functions -c fal __falenv_fal
        __falenv_keep $__falenv_vars FAL_PROFILE
        # Nearly always there is none, and an empty pipe costs little.
        complete -c fal | builtin read -z -g __falenv_completion
        set -g __falenv_loaded yes
    else
        __falenv_keep_pin
    end
    # This also keeps fish from loading another fal.fish over ours.
    complete -e -c fal
    complete -e -c falenv
    complete -c fal -c falenv -f -a '(__falenv_late __falenv_complete_begin)'
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
                    -a ! "$__falenv_store" -ot "$__falenv_index" -a $__falenv_absent
                or __falenv_precmd
            end
            __falenv_precmd
        end
    end
end

# Run a function of the rest, with the user's trace off: exported, since the functions called from
# here see it only then, and empty.
function __falenv_late
    set -q fish_trace
    and set -lx fish_trace
    functions -q $argv[1]
    or eval "$__falenv_rest"
    $argv
end

__falenv_load

function fal --description 'fal, with the profile commands acting on this shell'
    if not test -x "$__falenv_exe"; or not functions -q __falenv_late
        command fal $argv
        return
    end
    switch "$argv[1]"
        case profile profiles
            __falenv_late __falenv_profile $argv[2..-1]
        case '*'
            $__falenv_exe $argv
    end
end
