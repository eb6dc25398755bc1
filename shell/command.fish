# falenv's integration for fish, the part for commands and for what builtins cannot do. fish parses it
# when it is first needed.

# --- Following -----------------------------------------------------------------------------------

# Choose a profile in a folder with a .fal-profile, without a pin. A fish function cannot set its
# caller's variables, so it prints the reason and the name.
function __falenv_choose
    set -l texts $__falenv_texts
    # The nearest file that the user has allowed counts. The others are passed over.
    for link in $__falenv_links
        set -l text $texts[1]
        set -e texts[1]
        set -l name (string replace -a % %% -- $link | string replace -a / %-)
        set -l verdict
        set -l entry
        for note in $__falenv_verdicts/$name $__falenv_notices/$name
            if test -e $note
                set -l path
                __falenv_is_ours (string replace -r '/[^/]*$' '' -- $note) $note
                or return 1
                begin
                    builtin read verdict
                    builtin read entry
                    builtin read path
                end <$note
                test "$path" = "$link"
                or return 1
                break
            end
        end
        switch "$verdict"
            case allowed
                # The verdict is about this text, and about a file of the user's own.
                __falenv_is_link $link
                and contains -- "$text" $entry $entry\n
                or return 1
                builtin printf '%s\n' folder $entry
                return
            case denied
            case noticed
                not __falenv_is_link $link
                or contains -- "$text" $entry $entry\n
                or return 1
            case '*'
                # A link that leads nowhere is no file.
                test -e $link
                and return 1
        end
    end
    echo default
end

function __falenv_owns_key
    __falenv_key_id "$FAL_KEY"
    test "$__falenv_own" = "$__falenv_id"
end

# Add to __falenv_aside the rivals that are set.
function __falenv_find_rivals
    set -g __falenv_aside
    for v in $__falenv_rivals
        test -n "$$v"
        and set -ga __falenv_aside $v
    end
end

function __falenv_tell_aside
    test -n "$__falenv_aside"
    and test "$__falenv_aside" != "$__falenv_told_aside"
    and builtin printf '%s\n' "$__falenv_rivals_aside $__falenv_aside" >&2
    and set -g __falenv_told_aside "$__falenv_aside"
    set -g __falenv_aside
end

function __falenv_is_untouched
    test -n "$__falenv_name"
    or return 0
    __falenv_key_id "$FAL_KEY"
    test "$__falenv_own:$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST" = "$__falenv_ours"
    or return
    not __falenv_has_rival
end

# Assign the id of the key that the shell had before falenv to __falenv_own.
function __falenv_own_id
    set -g __falenv_own
    set -qg __falenv_was_FAL_KEY
    and __falenv_key_id "$__falenv_old_FAL_KEY"
end

function __falenv_state
    set -lx FAL_PROFILE $argv[1]
    # Without the mark, FAL_PROFILE is a pin, whatever has chosen the profile until now.
    set -lx FALENV_MARK
    __falenv_own_id
    set -lx __falenv_own_key_id $__falenv_own
    # -I keeps Python from running code that the current folder or Python's variables name.
    set -l program $__falenv_python -I $__falenv_main profile refresh --shell fish \
        --protocol $__falenv_protocol $argv[2..-1]
    # A redirection of the caller would not reach this function in a command substitution.
    if set -qg __falenv_heard
        $program </dev/null 2>| builtin read -z -g __falenv_heard
        return $pipestatus[1]
    else if contains -- --use $argv
        $program # it may ask the user
    else
        $program </dev/null
    end
end

# Follow by a process, because builtins are not enough. $argv[1] is the pin, and the rest goes to the
# program.
function __falenv_ask
    set -l out (__falenv_state $argv | string collect)
    set -l code $pipestatus[1]
    if test -n "$out"
        eval "$out"
    else if test "$code" != 130
        set -g __falenv_index
    end
end

function __falenv_follow
    set -l left
    set -l news yes
    __falenv_keep_pin
    __falenv_find_links
    set -l moved $__falenv_moved
    set -g __falenv_moved
    set -g __falenv_missed
    if test $argv[1] = change
        set news $moved
        test -z "$FALENV_NONE"
        or return 0
        if not __falenv_is_untouched
            # Follow when the user puts back what he has changed.
            set -g __falenv_missed yes
            return 0
        end
        set left $__falenv_name
    end
    __falenv_find_pin
    if __falenv_apply "$__falenv_users_pin" "$left"
        __falenv_note_state
    else
        # The program does not repeat what it has said about a version of the store.
        set -l known
        test -n "$news"
        or string match -rq '(?<known>[^/]*)$' -- "$__falenv_index"
        __falenv_ask "$__falenv_users_pin" --was "$left" --seen "$known"
    end
end

# `use --for` holds until FALENV_UNTIL (core.sh). Return 1 if the pin stays.
function __falenv_end_time
    # A pin that someone has set since has no end.
    if test "$FAL_PROFILE" = "$__falenv_pin"
        # fish 3.6 knows how old a file is.
        set -l clock (builtin path mtime -- $__falenv_exe 2>/dev/null) \
            (builtin path mtime -R -- $__falenv_exe 2>/dev/null)
        set -q clock[2]
        and set clock (math $clock[1] + $clock[2])
        or set clock (/bin/date +%s)
        string match -rq '^[1-9]\d{0,9}$' -- "$FALENV_UNTIL"
        and test "$clock" -lt "$FALENV_UNTIL"
        and return 1
        test "$FALENV_AFTER" = "$__falenv_nobody"
        and __falenv_keep FAL_HOME_DIR
        if test -n "$FALENV_AFTER"
            set -gx FAL_PROFILE $FALENV_AFTER
        else
            set -e -g FAL_PROFILE
        end
        set -g __falenv_pin "$FAL_PROFILE"
    end
    set -e -g FALENV_UNTIL FALENV_AFTER
    return 0
end

function __falenv_check_time
    __falenv_end_time
    or return
    __falenv_follow switch
    builtin printf '%s\n' $__falenv_time_over >&2
end

# If an .env file of this folder has another key than the shell, the program says so (core.sh).
function __falenv_check_dotenv
    __falenv_key_id "$FAL_KEY"
    set -l own $__falenv_own
    test -n "$own"
    or return 0
    set -l ask
    for name in .env .env.local
        set -l file "$PWD/$name"
        test $PWD = /
        and set file /$name
        test -f $file
        and not __falenv_is_noted $file $own
        and set -a ask $file
    end
    test -n "$ask"
    or return 0
    $__falenv_python -I $__falenv_main profile dotenv $ask </dev/null
    # If the program could not write a note, do not ask it again in this shell.
    for file in $ask
        __falenv_is_noted $file $own
        or set -ga __falenv_unnoted $file
    end
end

# True if a note says that nothing is to be said about .env file $argv[1] in a shell with key id
# $argv[2], or if this shell has asked.
function __falenv_is_noted
    contains -- $argv[1] $__falenv_unnoted
    and return 0
    set -l note $__falenv_notices/(string replace -a % %% -- $argv[1] | string replace -a / %- | string collect)
    test -e $note -a ! $argv[1] -nt $note -a ! $argv[1] -ot $note
    and __falenv_is_ours $__falenv_notices $note
    or return 1
    set -l word
    set -l id
    set -l path
    begin
        builtin read word
        builtin read id
        builtin read path
    end <$note
    test "$path" = "$argv[1]"
    and contains -- "$word:$id" "noticed:$id" seen: "seen:$argv[2]"
end

# Follow, and keep what there is to say until the line has been edited: fish does not know that the
# cursor moves.
function __falenv_redraw
    test -x "$__falenv_exe" -a -r "$__falenv_main"
    or return
    set -g __falenv_heard
    __falenv_catch_up 2>| builtin read -z -l said
    set -g __falenv_said "$__falenv_said$__falenv_heard$said"
    set -e -g __falenv_heard
    # The hook looks into __falenv_said if this is empty.
    test -z "$__falenv_said"
    or set -g __falenv_around
end

function __falenv_say
    builtin printf '%s' $__falenv_said >&2
    set -g __falenv_said
end

# Start where more is to do than to follow.
function __falenv_begin
    if test -n "$__falenv_failure"
        if test $__falenv_failure = none
            __falenv_give_back
        else
            set -e -g $__falenv_vars
        end
        for v in name shown id ours suffix
            set -g __falenv_$v
        end
        set -g __falenv_why $__falenv_failure
        set -e -g __falenv_failure
        __falenv_note_state
        return
    end
    set -l key
    test "$__falenv_foreign" = yes
    and set key $FAL_KEY
    and set -g __falenv_foreign kept
    if test -n "$FALENV_UNTIL"
        # `FAL_PROFILE=… fish` has no end.
        set -g __falenv_pin "$FAL_PROFILE"
        if test "$FAL_PROFILE" = "$FALENV_PROFILE"
            __falenv_end_time
        else
            set -e -g FALENV_UNTIL FALENV_AFTER
        end
    end
    __falenv_follow_start
    # `FAL_KEY=… fish` in an integrated shell: the user has chosen the key.
    if test -n "$key"; and test -n "$__falenv_name"
        set -e -g FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST
        set -gx FAL_KEY $key
        set -gx FALENV_MARK $__falenv_mark_touched
    end
    # While fish reads a start-up file, the stack says so.
    if test -n "$__falenv_hint"; and test -z "$__falenv_name"; and status is-interactive
        and not status stack-trace | string match -q '*config*'
        builtin printf '%s\n' $__falenv_hint >&2
    end
end

# fish is too old to follow: take the active profile's key, say so, and leave nothing else.
function __falenv_export
    set -l program $__falenv_python -I $__falenv_main profile env --shell fish --exports-only
    status is-interactive
    and builtin printf '%s\n' $__falenv_old_fish >&2
    functions -e falenv_prompt (functions -a -n | string match '__falenv_*')
    set -e -g (set -n -g | string match '__falenv_*')
    $program | builtin source
end

# --- The command ---------------------------------------------------------------------------------

function __falenv_program
    set -lx __falenv_shell live
    set -lx __falenv_store_shown $__falenv_store
    __falenv_own_id
    set -lx __falenv_own_key_id $__falenv_own
    if contains -- --from-env $argv; and test -n "$__falenv_name"; and __falenv_is_untouched
        # The user means the key from before falenv.
        set -lx FALENV_KEY_ID
        set -lx FAL_KEY $__falenv_old_FAL_KEY
        set -lx FAL_KEY_ID $__falenv_old_FAL_KEY_ID
        set -lx FAL_KEY_SECRET $__falenv_old_FAL_KEY_SECRET
        $__falenv_exe profile $argv
        return
    end
    $__falenv_exe profile $argv
end

function __falenv_use
    set -l to
    set -l clear yes
    set -l none $FALENV_NONE
    if not set -q argv[1]
        set argv -- (__falenv_program pick)
        set -l code $status
        test $code = 0
        or return $code
    end
    set -l options
    set -l for
    set -l timed $FALENV_UNTIL
    # `use NAME` has no options to look for. All words behind -- are names.
    if set -q argv[2]
        set -l words $argv
        set argv
        while set -q words[1]
            switch $words[1]
                case --yes
                    set -a options --yes
                case '--for=?*'
                    set for (string replace -- --for= '' $words[1])
                case '--for='
                    set for 0 # an empty time counts as zero
                case --for
                    if set -q words[2]
                        set for $words[2]
                        test -n "$for"
                        or set for 0
                        set -e words[1]
                    else
                        set -a argv --for
                    end
                case --
                    set -a argv $words
                    break
                case '*'
                    set -a argv $words[1]
            end
            set -e words[1]
        end
    end
    # `(count $argv)` would take a tenth of the time of a switch.
    set -l number 0
    set -q argv[1]
    and set number 1
    set -q argv[2]
    and set number 2
    set -q argv[3]
    and set number more
    switch "$number:$argv[1]"
        case 1:--default
        case 1:--none
            set to $__falenv_nobody
        case 1:-
            set to $__falenv_before
            set -q __falenv_before
            or set clear
        case '1:-*' 1: "1:$__falenv_nobody"
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
    # Only a name can be used for a time.
    if test -n "$for"
        string match -rq '^(1:-|[^12]:)' -- (count $argv):"$argv[1]"
        and set clear
    end
    if test -z "$clear"
        test -n "$for"
        and set -p argv --for=$for
        __falenv_program use $options $argv
        return
    end
    test -n "$for"
    and set -a options --duration=$for
    __falenv_keep_pin
    # A pin needs no links.
    test -n "$to"
    or __falenv_find_links
    __falenv_find_pin
    set -l pin $__falenv_users_pin
    if test "$to" = "$__falenv_nobody"
        test -n "$none"
        or __falenv_keep FAL_HOME_DIR
        set -l out (__falenv_state "$to" --use | string collect)
        set -l code $pipestatus[1]
        test $code = 0
        or return $code
        eval "$out"
        set -g __falenv_before "$pin"
        set -e -g FALENV_UNTIL FALENV_AFTER
        return 0 # not that of `set -e`, which is 4 if a variable was not set
    end
    set -e -g FALENV_NONE
    if test -n "$for"; or not __falenv_apply "$to"
        set -l out (__falenv_state "$to" --use $options | string collect)
        set -l code $pipestatus[1]
        if test $code != 0
            test -n "$none"
            and set -gx FALENV_NONE $none
            return $code
        end
        eval "$out"
    end
    test -n "$none"
    and __falenv_restore FAL_HOME_DIR
    if test -z "$for"
        set -e -g FALENV_UNTIL FALENV_AFTER
    else if test -z "$timed"; and test -n "$pin"
        # While one time runs, another begins: afterwards holds what held before both.
        set -gx FALENV_AFTER $pin
    end
    set -g __falenv_before "$pin"
    set -g __falenv_guard
    if test -n "$to"
        set -gx FAL_PROFILE $to
    else
        set -e -g FAL_PROFILE
    end
    __falenv_note_state
    __falenv_tell_aside
    # Only the program can tell what direnv has set here.
    if test -n "$DIRENV_DIR"
        set -lx __falenv_shell done
        $__falenv_exe profile use $argv
    end
end

function __falenv_profile
    switch "$argv[1]"
        case use
            __falenv_use $argv[2..-1]
        case off
            if set -q argv[2]
                __falenv_program $argv
            else
                __falenv_off
            end
        case '*'
            __falenv_program $argv
            set -l code $status
            test $code = 0
            and __falenv_after_command "$argv[1]"
            return $code
    end
end

# Command $argv[1] was done. Follow a switch. After an edit take the new key and host of this shell's
# profile. Nothing else changes the shell before its next prompt.
function __falenv_after_command
    if contains -- $argv[1] (string split ' ' -- $__falenv_switches)
        __falenv_follow switch
        __falenv_tell_aside
    else if contains -- $argv[1] (string split ' ' -- $__falenv_edits)
        test -n "$__falenv_name"
        and __falenv_is_untouched
        and begin
            __falenv_apply '' '' stay
            or __falenv_take_edit
        end
        and __falenv_note_state
    end
end

# Take the new key and host of this shell's profile from the program (core.sh).
function __falenv_take_edit
    set -l why $__falenv_why
    set -l index $__falenv_index
    set -l out (__falenv_state "$__falenv_name" --was "$__falenv_name" | string collect)
    test $pipestatus[1] = 0
    or return
    eval "$out"
    set -g __falenv_why $why
    set -g __falenv_index $index
    # A script has no prompt that shows the mark.
    if functions -q __falenv_set_mark
        __falenv_set_mark
    end
end

# --- The way out ---------------------------------------------------------------------------------

function __falenv_restore
    for v in $argv
        set -l was __falenv_was_$v
        set -l old __falenv_old_$v
        if not set -qg $was
            set -e -g $v
        else if test $$was = exported
            set -gx $v $$old
        else
            set -e -g $v
            set -g $v $$old
        end
    end
end

# Take falenv's line out of fish_mode_prompt.
function __falenv_displace
    test -n "$__falenv_line"; and functions -q fish_mode_prompt
    or return
    functions fish_mode_prompt | builtin read -z -l text
    set -l own (string replace -- $__falenv_line\n '' $text | string collect)
    test "$own" = "$text"
    and return
    builtin printf '%s\n' $own | builtin source
    test -z "$__falenv_bare"
    or functions -e fish_mode_prompt
end

function __falenv_off
    __falenv_keep_pin
    set -l vars $__falenv_vars FAL_PROFILE
    __falenv_owns_key
    or set vars (string match -v FAL_KEY -- $vars)
    test "$__falenv_why" = none
    and set vars FAL_PROFILE
    test -n "$FALENV_NONE"
    and set -a vars FAL_HOME_DIR
    __falenv_restore $vars
    set -e -g FALENV_NONE FALENV_KEPT_ID FALENV_UNTIL FALENV_AFTER
    __falenv_remove
end

function __falenv_remove
    complete -e -c fal
    complete -e -c falenv
    functions -e fal falenv falenv_prompt
    functions -q __falenv_fal
    and functions -c __falenv_fal fal
    functions -q __falenv_falenv
    and functions -c __falenv_falenv falenv
    __falenv_displace
    set -l text_fal $__falenv_completion_fal
    set -l text_falenv $__falenv_completion_falenv
    functions -e (functions -a -n | string match '__falenv_*')
    set -e -g (set -n -g | string match '__falenv_*')
    for name in fal falenv
        set -l text text_$name
        if test -n "$$text"; and not string match -q '*__falenv_complete*' -- $$text
            builtin printf '%s' $$text | builtin source
            continue
        end
        # The integration kept fish from loading this file, so load it now.
        for folder in $fish_complete_path
            if test -r $folder/$name.fish
                builtin source $folder/$name.fish
                break
            end
        end
    end
end

# --- Completions ---------------------------------------------------------------------------------

# The first TAB replaces this by the completions, so that a start does not wait for them.
function __falenv_complete_begin
    complete -e -c fal
    complete -e -c falenv
    builtin source $__falenv_completions
    complete -C (commandline -cp | string collect)
end
