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

# Put the segment in front of fish_prompt, once. If someone redefines fish_prompt later, that holds.
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
        # starship, tide and oh-my-posh draw the whole prompt. falenv_prompt in it has its own place.
        functions fish_prompt fish_right_prompt 2>/dev/null |
            string match -qr 'STARSHIP_|_tide_|\b_?omp_|falenv_prompt|__falenv_segment'
        and return
        if functions -q fish_prompt
            functions -e __falenv_fish_prompt
            functions -c fish_prompt __falenv_fish_prompt
            # The user's prompt comes first, so that it sees the $status and $pipestatus from before.
            function fish_prompt
                set -l text (__falenv_fish_prompt | string collect -N)
                builtin printf '%s%s' "$__falenv_segment" "$text"
            end
        end
    end
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
    if test -n "$__falenv_moved"
        __falenv_late command __falenv_follow change
    else if test -n "$__falenv_index"
        __falenv_is_fresh $__falenv_index
        or __falenv_late command __falenv_follow change
    end
end

# Export the segment's mark. Note who pays, without a secret, for the hook to compare.
function __falenv_set_mark
    set -l id (__falenv_key_id "$FAL_KEY")
    set -l payer "$id:$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST"
    set -l mark __falenv_mark_$__falenv_why
    set -q $mark
    and set mark $$mark
    or set mark
    if __falenv_has_rival; or test "$payer" != "$__falenv_ours"
        set mark $__falenv_mark_touched
    end
    if test -n "$__falenv_name"; and test -n "$mark"
        set -gx FALENV_MARK $mark
    else
        set -e -g FALENV_MARK
    end
    # A pattern for FAL_KEY. Without a colon all of the key may be secret, so no pattern matches.
    set -g __falenv_key_pattern '^'(string escape --style=regex -- "$id")':'
    test -n "$FAL_KEY"
    or set -g __falenv_key_pattern '^\z'
    set -g __falenv_payer "$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST:$FAL_KEY_ID:$FAL_GRPC_HOST"
    set -g __falenv_payer_2 "$FAL_REST_HOST:$FAL_WS_RUN_HOST:$FAL_FORCE_AUTH_BY_USER"
    set -g __falenv_payer_3 "$ISOLATE_AUTH_DISABLED:$ISOLATE_TEST_MODE"
end

function __falenv_catch_up
    if not test -x "$__falenv_exe" -a -r "$__falenv_main"
        builtin printf '%s\n' $__falenv_gone >&2
        __falenv_late command __falenv_remove
        return
    end
    if test "$FAL_PROFILE:$FALENV_PROFILE" != "$__falenv_pin:$__falenv_marked"
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
    set -g __falenv_styled "$FALENV_PROMPT:$NO_COLOR:$TERM"
end

# Define the hook again at the first prompt, so that it comes behind the others: direnv's hook changes
# what this one looks at, and may be defined later.
function __falenv_first
    function __falenv_hook --on-event fish_prompt
        # Most prompts end here. These are two builtins, because each call costs fish.
        string match -rq -- "$__falenv_key_pattern" "$FAL_KEY"
        and test -x "$__falenv_exe" -a -z "$__falenv_links" -a "x$PWD" = "x$__falenv_pwd" \
            -a "x$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST:$FAL_KEY_ID:$FAL_GRPC_HOST" \
            = "x$__falenv_payer" \
            -a "x$FAL_REST_HOST:$FAL_WS_RUN_HOST:$FAL_FORCE_AUTH_BY_USER" = "x$__falenv_payer_2" \
            -a "x$ISOLATE_AUTH_DISABLED:$ISOLATE_TEST_MODE" = "x$__falenv_payer_3" \
            -a "x$FAL_PROFILE:$FALENV_PROFILE:$FAL_CONFIG_PATH:$HOME" = "x$__falenv_around" \
            -a "x$FALENV_PROMPT:$NO_COLOR:$TERM" = "x$__falenv_styled" \
            -a -e "$__falenv_index" -a -e "$__falenv_store" \
            -a ! "$__falenv_store" -nt "$__falenv_index" \
            -a ! "$__falenv_store" -ot "$__falenv_index" -a $__falenv_absent
        or __falenv_catch_up
    end
    __falenv_catch_up
end
