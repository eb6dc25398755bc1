# falenv's integration for fish, the part for prompts. fish parses it at the first one.

# --- The segment ---------------------------------------------------------------------------------

# Fill in format $argv[1], into __falenv_filled.
function __falenv_fill
    set -g __falenv_filled
    test -n "$__falenv_name"
    or return 0
    set -l parts
    string match -raq '(?<parts>\{(?:name|mark|why)\}|[^{]+|\{)' -- $argv[1]
    # The mark of a shell that the user has touched shows in any format.
    if test "$FALENV_MARK" = "$__falenv_mark_touched"; and not contains -- '{mark}' $parts
        set -l marked
        for part in $parts
            set -a marked $part
            test $part = '{name}'
            and set -a marked '{mark}'
        end
        contains -- '{mark}' $marked
        or set -p marked '{mark}'
        set parts $marked
    end
    for part in $parts
        switch $part
            case '{name}'
                set part $__falenv_shown
            case '{why}'
                set part $__falenv_why
            case '{mark}'
                set part $FALENV_MARK
        end
        set __falenv_filled "$__falenv_filled$part"
    end
    set -l locale $LC_ALL $LC_CTYPE $LANG
    string match -riq 'utf-?8' -- "$locale[1]"
    or set __falenv_filled \
        (string replace -ra '[^\x20-\x7e]' '?' -- $__falenv_filled | string collect)
end

function __falenv_print
    set -l form $argv[1]
    test -n "$form" -o "$FALENV_PROMPT" = off
    or set form $FALENV_PROMPT
    test -n "$form"
    or set form $__falenv_format
    __falenv_fill "$form"
    builtin printf '%s' $__falenv_filled
end

# Fill in the segment of this shell, or leave it empty.
function __falenv_show
    set -g __falenv_segment
    test -n "$__falenv_name" -a -z "$__falenv_segment_off$__falenv_drawn" -a "$FALENV_PROMPT" != off
    or return 0
    set -l form $FALENV_PROMPT
    test -n "$form"
    or set form $__falenv_format
    __falenv_fill "$form"
    # fish joins the lines of fish_mode_prompt. A form feed begins a new line there.
    set __falenv_segment (string replace -a \n \f\r -- $__falenv_filled)
    if test -z "$NO_COLOR"; and test -n "$TERM"; and test "$TERM" != dumb
        set __falenv_segment \e"[$__falenv_sgr"m$__falenv_segment\e'[22;39m'
    end
end

# Draw the user's fish_mode_prompt, then the segment.
function __falenv_draw
    # The user's part comes first, so that it sees the $status and $pipestatus from before. Meanwhile the
    # line in fish_mode_prompt does nothing.
    set -g __falenv_draws
    set -l text (fish_mode_prompt $argv)
    set __falenv_draws yes
    set -g __falenv_mode_text "$text"
    # A key such as Alt+Left has changed the folder of the line that the user edits.
    test "$PWD" = "$__falenv_pwd"
    or __falenv_late command __falenv_redraw
    builtin printf '%s' $text $__falenv_segment
end

# fish draws fish_mode_prompt in front of fish_prompt, and few tools copy or save it. Put a line into its
# text, unless it is there. A copy of the function works without falenv too.
function __falenv_place --on-event fish_postexec
    set -g __falenv_draws yes
    functions fish_prompt fish_right_prompt fish_mode_prompt 2>/dev/null | builtin read -z -l texts
    test "$texts" = "$__falenv_prompts"
    and return
    set -g __falenv_prompts $texts
    # starship, tide and oh-my-posh draw the whole prompt. falenv_prompt in it has its own place.
    set -g __falenv_drawn
    string match -qr 'STARSHIP_|_tide_|\b_?omp_|falenv_prompt' -- $texts
    and set __falenv_drawn elsewhere
    # The hook fills in the segment again.
    set -g __falenv_around
    string match -q '*$__falenv_draws;*' -- $texts
    and return
    set -g __falenv_line \
        '    for falenv in $__falenv_draws; __falenv_draw $argv; return; end # inert without falenv'
    set -g __falenv_bare
    set -l head 'function fish_mode_prompt'\n
    set -l body end\n
    if functions -q fish_mode_prompt
        functions fish_mode_prompt | builtin read -z -l text
        string match -rq '(?ms)\A(?<head>.*?^function [^\n]*\n)(?<body>.*)' -- $text
        or return
    else
        set __falenv_bare yes
    end
    builtin printf '%s\n' "$head$__falenv_line" "$body" | builtin source
end

# A command runs from here to fish_postexec. `read` draws fish_mode_prompt too, and nothing follows then.
function __falenv_executing --on-event fish_preexec
    set -g __falenv_draws
    test -n "$__falenv_said"
    and __falenv_late command __falenv_say
end

# When the mode changes, fish draws nothing but fish_mode_prompt, unless that is empty. If the user's own
# is empty, fish_prompt may show the mode. Pasted text has a mode of its own.
function __falenv_mode --on-variable fish_bind_mode
    test -n "$__falenv_draws" -a -n "$__falenv_segment" -a -z "$__falenv_mode_text"
    and not contains paste $__falenv_last_mode $fish_bind_mode
    and builtin commandline -f repaint
    set -g __falenv_last_mode $fish_bind_mode
end

# --- The hook ------------------------------------------------------------------------------------

function __falenv_same_store
    test "$FAL_CONFIG_PATH:$HOME" = "$__falenv_where"
end

function __falenv_is_fresh
    if string match -q '*/none-*' -- $argv[1]
        test -e $argv[1] -a ! -e "$__falenv_store"
    else
        test -e "$argv[1]" -a -e "$__falenv_store" \
            -a ! "$__falenv_store" -nt "$argv[1]" -a ! "$__falenv_store" -ot "$argv[1]"
    end
end

function __falenv_check
    __falenv_find_links
    if test -n "$__falenv_moved$__falenv_missed"
        __falenv_late command __falenv_follow change
    else if test -n "$__falenv_index"
        __falenv_is_fresh $__falenv_index
        or __falenv_late command __falenv_follow change
    end
end

# Export the segment's mark. Note who pays, without a secret, for the hook to compare.
function __falenv_set_mark
    __falenv_key_id "$FAL_KEY"
    set -l payer "$__falenv_own:$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST"
    set -l mark __falenv_mark_$__falenv_why
    set -q $mark
    and set mark $$mark
    or set mark
    set mark "$mark$__falenv_suffix"
    if __falenv_has_rival; or test "$payer" != "$__falenv_ours"
        set mark $__falenv_mark_touched
    end
    if test -n "$__falenv_name"; and test -n "$mark"
        set -gx FALENV_MARK $mark
    else
        set -e -g FALENV_MARK
    end
    # A pattern for FAL_KEY. Without a colon all of the key may be secret, so no pattern matches.
    set -g __falenv_key_pattern '^'(string escape --style=regex -- "$__falenv_own")':'
    test -n "$FAL_KEY"
    or set -g __falenv_key_pattern '^\z'
    set -g __falenv_payer "$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST:$FAL_KEY_ID:$FAL_GRPC_HOST"
    set -g __falenv_payer_2 "$FAL_REST_HOST:$FAL_WS_RUN_HOST:$FAL_FORCE_AUTH_BY_USER"
    set -g __falenv_payer_3 "$ISOLATE_AUTH_DISABLED:$ISOLATE_TEST_MODE"
end

function __falenv_catch_up
    test -n "$__falenv_draws"
    or __falenv_place
    test -n "$__falenv_said"
    and __falenv_late command __falenv_say
    if not test -x "$__falenv_exe" -a -r "$__falenv_main"
        builtin printf '%s\n' $__falenv_gone >&2
        __falenv_late command __falenv_remove
        return
    end
    test -n "$FALENV_UNTIL"
    and __falenv_late command __falenv_check_time
    if test "$FAL_PROFILE:$FALENV_PROFILE:$FALENV_KEY_ID" != "$__falenv_pin:$__falenv_marked"
        or not __falenv_same_store
        __falenv_late command __falenv_follow switch
    else
        __falenv_check
    end
    __falenv_set_mark
    test -n "$__falenv_aside"
    and __falenv_late command __falenv_tell_aside
    if test -n "$__falenv_dotenv"
        set -g __falenv_dotenv
        test -n "$__falenv_name"; and test -f "$PWD/.env" -o -f "$PWD/.env.local"
        and __falenv_late command __falenv_check_dotenv
    end
    __falenv_show
    set -g __falenv_around "$__falenv_pin:$__falenv_marked:$__falenv_where"
    # As long as `use --for` runs, no prompt is idle.
    test -n "$FALENV_UNTIL"
    and set -g __falenv_around
    set -g __falenv_styled "$FALENV_PROMPT:$NO_COLOR:$TERM"
end

# Define the hook again at the first prompt, so that it comes behind the others: direnv's hook changes
# what this one looks at, and may be defined later.
function __falenv_first
    function __falenv_hook --on-event fish_prompt
        # Most prompts end here. These are two builtins, because each call costs fish.
        string match -rq -- "$__falenv_key_pattern" "$FAL_KEY"
        and test -x "$__falenv_exe" -a -z "$__falenv_links" -a "x$PWD" = "x$__falenv_pwd" \
            -a -n "$__falenv_draws" \
            -a "x$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST:$FAL_KEY_ID:$FAL_GRPC_HOST" \
            = "x$__falenv_payer" \
            -a "x$FAL_REST_HOST:$FAL_WS_RUN_HOST:$FAL_FORCE_AUTH_BY_USER" = "x$__falenv_payer_2" \
            -a "x$ISOLATE_AUTH_DISABLED:$ISOLATE_TEST_MODE" = "x$__falenv_payer_3" \
            -a "x$FAL_PROFILE:$FALENV_PROFILE:$FALENV_KEY_ID:$FAL_CONFIG_PATH:$HOME" \
            = "x$__falenv_around" \
            -a "x$FALENV_PROMPT:$NO_COLOR:$TERM" = "x$__falenv_styled" \
            -a -e "$__falenv_index" -a -e "$__falenv_store" \
            -a ! "$__falenv_store" -nt "$__falenv_index" \
            -a ! "$__falenv_store" -ot "$__falenv_index" -a $__falenv_absent
        or __falenv_catch_up
    end
    __falenv_place
    __falenv_catch_up
end
