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
    set -l id
    string match -rq '^(?<id>[^:]*):' -- "$FAL_KEY"
    or test -z "$FAL_KEY"
    or set id -
    test "$id" = "$__falenv_id"
end

function __falenv_state
    set -lx FAL_PROFILE $argv[1]
    # -I keeps Python from running code that the current folder or Python's variables name.
    $__falenv_python -I $__falenv_main profile refresh --shell fish $argv[2..-1] </dev/null
end

# Follow by a process, because builtins are not enough. $argv goes to the program.
function __falenv_ask
    set -l out (__falenv_state "$FAL_PROFILE" $argv | string collect)
    set -l code $pipestatus[1]
    if test -n "$out"
        eval "$out"
    else if test "$code" != 130
        set -g __falenv_index
    end
end

function __falenv_follow
    set -l left
    __falenv_keep_pin
    __falenv_find_links
    set -g __falenv_moved
    if test $argv[1] = change
        __falenv_owns_key
        or return 0
        set left $__falenv_name
    end
    if __falenv_apply "$FAL_PROFILE" "$left"
        __falenv_note_state
    else
        __falenv_ask --was "$left"
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
    __falenv_find_links
    if not __falenv_apply "$to"
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
    __falenv_note_state
    # Only the program can tell what direnv has set here.
    if test -n "$DIRENV_DIR"
        set -lx __falenv_shell done
        $__falenv_exe profile use $argv
    end
end

function __falenv_profile
    switch (count $argv):"$argv[1]"
        case 1:off
            __falenv_off
        case '*:use'
            __falenv_use $argv[2..-1]
        case '*'
            __falenv_program $argv
            set -l code $status
            if test $code = 0; and contains -- "$argv[1]" (string split ' ' -- $__falenv_switches)
                __falenv_follow switch
            else
                __falenv_late prompt __falenv_check
            end
            return $code
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

# True if fish_prompt is falenv's, in place of the user's.
function __falenv_has_prompt
    functions fish_prompt | string match -q '*__falenv_segment*'
end

function __falenv_off
    __falenv_keep_pin
    set -l vars $__falenv_vars FAL_PROFILE
    __falenv_owns_key
    or set vars (string match -v FAL_KEY -- $vars)
    __falenv_restore $vars
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
    if functions -q __falenv_fish_prompt; and __falenv_has_prompt
        functions -e fish_prompt
        functions -c __falenv_fish_prompt fish_prompt
    end
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
