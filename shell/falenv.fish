# falenv's integration for fish, 3.6 and later. Older versions only get the exports.
#
# Sent after a prelude of assignments and before a state; README.md in this folder describes both.
# The functions have the names and meanings of core.sh. Every name begins with __falenv_, except the
# functions fal, falenv and falenv_prompt. No variable holds a key, except __falenv_old_*: what the user had
# before.
#
# This file is what each start needs. Parsing is a good part of the cost of a start, so prompt.fish and
# command.fish travel as comments in the functions __falenv_code_prompt and __falenv_code_command, and
# fish parses them later. They stay the same version as this file, even after an upgrade.
#
# Pipes and command substitutions cost fish the most. `string match` sets the variables that its
# pattern names, from the first argument that matches, and needs neither.
#
# All variables are global. A universal variable of the same name is neither read nor changed, and is
# visible again after `off`. `builtin` gets past the user's functions. fish does not trace
# (fish_trace) what it runs for a prompt; __falenv_late turns the trace off for the rest.

# --- What the shell had before --------------------------------------------------------------------

function __falenv_keep
    __falenv_disown $argv
    for v in $argv
        if set -qg $v
            set -g __falenv_was_$v set
            set -qgx $v
            and set -g __falenv_was_$v exported
            set -g __falenv_old_$v $$v
        end
    end
end

# Variables that falenv has set: `off` unsets them.
function __falenv_disown
    set -e -g __falenv_was_$argv
end

# Remember all variables when a shell is new. A shell started from an integrated one has variables that
# falenv exported there, which do not belong to the user.
function __falenv_keep_all
    __falenv_keep $__falenv_vars FAL_PROFILE
    __falenv_disown FALENV_PROFILE FALENV_KEY_ID FALENV_MARK
    if test -n "$FALENV_NONE"
        __falenv_disown FAL_PROFILE FAL_HOME_DIR
    else if test -n "$FALENV_PROFILE"
        __falenv_disown FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST
        if test "$FAL_PROFILE" = "$FALENV_PROFILE"
            __falenv_disown FAL_PROFILE
            string match -q -- "$__falenv_mark_folder*" "$FALENV_MARK"
            and set -g __falenv_guard $FAL_PROFILE
        end
        __falenv_key_id "$FAL_KEY"
        if test "$__falenv_own" = "$FALENV_KEY_ID"
            __falenv_disown FAL_KEY
        else if test -n "$__falenv_own"; and test "$__falenv_own" != "$FALENV_KEPT_ID"
            set -g __falenv_foreign yes
        end
    end
end

# Assign the id of key $argv[1] to __falenv_own: the part before the colon, or - for a key without one.
function __falenv_key_id
    set -g __falenv_own
    test -n "$argv[1]"
    or return
    string match -rq '^(?<__falenv_own>[^:]*):' -- $argv[1]
    or set -g __falenv_own -
end

function __falenv_give_back
    if test "$__falenv_why" = failed -o "$__falenv_why" = nobody \
            -o "x$FALENV_PROFILE" != x -a "$__falenv_why" != none
        __falenv_late command __falenv_restore $__falenv_vars
    end
end

function __falenv_set_aside
    if test "$__falenv_why" = none; and test -z "$FALENV_PROFILE"
        __falenv_keep $__falenv_vars
        __falenv_disown FALENV_MARK
        set -e -g __falenv_foreign
    end
    # A start-up file may set the same key again in a child shell. There it is not the user's choice, as
    # a foreign key is.
    if set -qg __falenv_was_FAL_KEY; and not set -qg __falenv_foreign
        __falenv_key_id "$__falenv_old_FAL_KEY"
        set -gx FALENV_KEPT_ID $__falenv_own
    end
    __falenv_has_rival
    and __falenv_late command __falenv_find_rivals
end

# True if a rival has a value. The empty global variable that covers a universal one has none.
function __falenv_has_rival
    string match -qr . -- $$__falenv_rivals ''
end

function __falenv_keep_pin
    test "$FAL_PROFILE" = "$__falenv_pin"
    or __falenv_keep FAL_PROFILE
end

# Assign the user's pin to __falenv_users_pin; empty without one.
function __falenv_find_pin
    set -g __falenv_users_pin $FAL_PROFILE
    test "$FAL_PROFILE" = "$__falenv_guard"
    and set -g __falenv_users_pin
end

# --- Following the store and the folder ----------------------------------------------------------

function __falenv_note_state
    # FAL_PROFILE guards a linked profile without a key (core.sh says why).
    test -n "$__falenv_guard"
    and test "$FAL_PROFILE" = "$__falenv_guard"
    and set -e -g FAL_PROFILE
    set -g __falenv_guard
    if test "$__falenv_why" = folder; and test -z "$__falenv_id"
        set -g __falenv_guard $__falenv_name
        set -gx FAL_PROFILE $__falenv_name
    end
    set -g __falenv_pin "$FAL_PROFILE"
    set -g __falenv_marked "$FALENV_PROFILE:$FALENV_KEY_ID"
    set -g __falenv_where "$FAL_CONFIG_PATH:$HOME"
    set -g __falenv_around
    set -qg __falenv_pwd
    or __falenv_find_links
    set -g __falenv_moved
    # With another key, the key in an .env file may be another than the shell's.
    set -g __falenv_dotenv yes
end

# True if the user owns folder $argv[1] and the file $argv[2] in it. The program keeps others from
# writing there.
function __falenv_is_ours
    test -O "$argv[1]" -a -O "$argv[2]" -a -f "$argv[2]" -a -r "$argv[2]" -a ! -L "$argv[2]"
end

# True if file $argv[1] can be a .fal-profile that counts: a regular file of the user's own.
function __falenv_is_link
    test -f $argv[1] -a -r $argv[1] -a -O $argv[1] -a ! -L $argv[1]
end

function __falenv_find_links
    set -l moved
    if test "$PWD" != "$__falenv_pwd"
        set moved yes
        set -g __falenv_pwd $PWD
        set -g __falenv_dotenv yes
        set -g __falenv_paths /.fal-profile
        # Arguments with which `test` is true if none of the files exists.
        set -g __falenv_absent ! -e /.fal-profile
        set -l folder
        set -l parts
        string match -raq '(?<parts>/[^/]+)' -- "$PWD"
        for part in $parts
            set folder "$folder$part"
            set -gp __falenv_paths $folder/.fal-profile
            set -ga __falenv_absent -a ! -e $folder/.fal-profile
        end
    end
    set -l links
    set -l texts
    # Only a look in a new folder, or for a file that was there, finds a link that leads nowhere.
    if not test $__falenv_absent; or test -n "$moved$__falenv_links"
        for file in $__falenv_paths
            if test -e $file -o -L $file
                set -l text
                # A FIFO is never opened.
                __falenv_is_link $file
                and builtin read -z -n $__falenv_link_max text <$file
                set -a links $file
                set -a texts "$text"
            end
        end
    end
    if test "$links:$texts" != "$__falenv_links:$__falenv_texts"
        set -g __falenv_links $links
        set -g __falenv_texts $texts
        set -g __falenv_moved yes
    end
end

function __falenv_apply
    test -n "$__falenv_index" -a -z "$FALENV_NONE$FALENV_UNTIL" -a "$FAL_CONFIG_PATH:$HOME" = "$__falenv_where"
    or return 1
    set -l want $argv[1]
    set -l by default
    if test -n "$argv[3]"
        set want $__falenv_name
        set by $__falenv_why
    else if test -n "$want"
        set by pin
    else if set -q __falenv_links[1]
        set -l choice (__falenv_late command __falenv_choose)
        or return 1
        set by $choice[1]
        set want $choice[2]
    end
    set -l folder
    string match -rq '(?s)^(?<folder>.*)/' -- $__falenv_index
    set -l now
    # Arguments with which `test` says what __falenv_is_fresh says. That saves two calls.
    set -l fresh
    for now in $folder/*
        set fresh -e $now -a ! $__falenv_store -nt $now -a ! $__falenv_store -ot $now
        string match -q '*/none-*' -- $now
        and set fresh -e $now -a ! -e $__falenv_store
        test $fresh
        and break
    end
    __falenv_is_ours "$folder" "$now"
    and builtin read -z -l -a -d \n entries <$now
    or return 1
    set -l flag
    set -l default
    string match -rq '^(?<flag>.) (?<default>.*)' -- $entries[1]
    test -n "$want"
    or set want $default
    # Drop the default. An empty entry stays, because `string` without arguments reads its input.
    set entries[1] ''
    if test -n "$argv[2]"
        contains -- "$argv[2]" (string replace -r '^\S+ ' '' -- $entries)
        or return 1
    end
    set -l place
    set -l sgr
    set -l host
    set -l name
    if test -z "$want$argv[2]"
        set place 0
        set by none
    else
        set -l more '(?:;(?<sgr>[\d;]*))?(?:@(?<host>[^@ ]*))?'
        # \Q does not quote a name that contains \E.
        string match -rq "^(?<place>0|[1-9]\d{0,8})$more (?<name>\Q$want\E)\$" \
            -- $entries 2>/dev/null
        and test "$name" = "$want"
        or return 1
    end
    set -l key
    set -l id
    set -l beside
    if test $place != 0
        test -r "$__falenv_store" -a -O "$__falenv_store"
        or return 1
        builtin read -z -l -a -d \n lines <$__falenv_store
        # Search backwards from the key's line. Each pattern also matches a header, so a match is
        # never from another table.
        set lines $lines[$place..1] ''
        set -l table
        # falenv/index.py cuts in the same way. (?|…) gives its branches the same groups.
        string match -rq '^[ \t]*\[(?:[ \t]*(?|"(?<table>[^"\\\\]*)"|\'(?<table>[^\']*)\'|(?<table>[^][.\'" \t]*))[ \t]*\])?' \
            -- $lines
        and test "$table" = "$want"
        and string match -rq \
            '^[ \t]*(?:\[|key[ \t=](?:[^"\']*(?|"(?<key>(?:(?<id>[^":]*):)?[^"]*)"|\'(?<key>(?:(?<id>[^\':]*):)?[^\']*)\'))?)' \
            -- $lines
        and test -n "$key"
        or return 1
        string match -rq \
            '^[ \t]*(?:\[|host[ \t=](?:[^"\']*(?|"(?<beside>[^"]*)"|\'(?<beside>[^\']*)\'))?)' \
            -- $lines
    end
    # Nothing may have changed while this function read, nor may the store belong to someone else now.
    test "$beside" = "$host"
    and test $fresh
    and test $place = 0 -o -O "$__falenv_store"
    or return 1

    set -l owner $id
    test -n "$key"; and not set -q id[1]
    and set owner -
    if test $by = none
        __falenv_give_back
    else
        __falenv_set_aside
        # As in the state: an empty global variable covers a universal one.
        set -e -g $__falenv_vars
        # The status says how many of them are not there.
        set -qUx $__falenv_vars
        test $status = $__falenv_number
        or for v in $__falenv_vars
            set -qUx $v
            and set -gx $v
        end
        set -gx FALENV_PROFILE $want
        if test -n "$key"
            set -gx FAL_KEY $key
            set -gx FALENV_KEY_ID $owner
        end
        set -l mark __falenv_mark_$by
        set -q $mark
        and set -gx FALENV_MARK $$mark
        set -g __falenv_suffix
        # The official CLI takes the default's host from the store, if no variable names another.
        test "$flag:$host" = @:
        and set host $__falenv_default_host
        if test -n "$host"
            # As the official CLI derives them (fal/flags.py): each part is replaced once.
            set -gx FAL_HOST $host
            set -gx FAL_RUN_HOST \
                (string replace api. '' -- $host | string replace alpha. '' | string replace .ai .run)
            set -gx FAL_QUEUE_RUN_HOST queue.$FAL_RUN_HOST
        end
    end
    set -g __falenv_ours "$owner:$FAL_HOST:$FAL_RUN_HOST:$FAL_QUEUE_RUN_HOST"
    set -g __falenv_name $want
    set -g __falenv_shown $want
    set -g __falenv_why $by
    set -g __falenv_sgr $sgr
    test -n "$sgr"
    or set -g __falenv_sgr $__falenv_default_sgr
    # After an edit the old index stays, so that the next prompt follows a switch made meanwhile.
    test -n "$argv[3]"
    or set -g __falenv_index $now
    set -g __falenv_id $owner
    # `set` passes on the status from before.
    return 0
end

# --- Beginning without a process -----------------------------------------------------------------

function __falenv_start
    # As in __falenv_late: a trace would show the key.
    set -q fish_trace
    and set -lx fish_trace
    if test -n "$__falenv_failure$__falenv_foreign$__falenv_hint$FALENV_UNTIL"
        __falenv_late command __falenv_begin
    else
        __falenv_follow_start
    end
    set -e -g __falenv_cached __falenv_hint
end

function __falenv_follow_start
    __falenv_find_links
    set -g __falenv_moved
    __falenv_find_pin
    if __falenv_apply "$__falenv_users_pin"
        __falenv_note_state
    else
        set -l cache
        test -n "$__falenv_cached"
        and set cache --cache $__falenv_cached --program $__falenv_exe
        __falenv_late command __falenv_ask "$__falenv_users_pin" $cache
    end
end

# --- The prompt ----------------------------------------------------------------------------------

# For the user's own fish_prompt or fish_right_prompt. Print the active profile in format $argv[1],
# else in that of FALENV_PROMPT, else in the default one.
function falenv_prompt --description 'Print the active fal profile'
    set -l before $status
    __falenv_late prompt __falenv_print $argv[1]
    return $before
end

# --- Installing, once however often a shell reads this ---------------------------------------------

function __falenv_load
    # Turn the texts into lists.
    string match -raq '(?<__falenv_vars>\S+)' -- "$__falenv_vars"
    string match -raq '(?<__falenv_rivals>\S+)' -- "$__falenv_rivals"
    set -g __falenv_number (count $__falenv_vars)
    # An exported variable comes from the environment.
    if not set -qg __falenv_loaded; or set -qgx __falenv_loaded
        set -e -g __falenv_{pin,marked,where,around,moved,pwd,links,texts,before,why,name,id,guard,suffix} \
            __falenv_{foreign,failure,hint,aside,told_aside,draws,prompts,drawn,line,said,heard} \
            __falenv_{dotenv,unnoted,own,users_pin,missed}
        functions -q fal
        and functions -c fal __falenv_fal
        functions -q falenv
        and functions -c falenv __falenv_falenv
        __falenv_keep_all
        # Nearly always there is no completion, and an empty pipe costs little.
        complete -c fal | builtin read -z -g __falenv_completion_fal
        complete -c falenv | builtin read -z -g __falenv_completion_falenv
        set -gu __falenv_loaded yes
    else
        __falenv_keep_pin
    end
    # This also keeps fish from loading another fal.fish over ours.
    complete -e -c fal
    complete -e -c falenv
    complete -c fal -c falenv -f -a '(__falenv_late command __falenv_complete_begin)'
    if status is-interactive
        set -e -g __falenv_prompts
        function __falenv_hook --on-event fish_prompt
            __falenv_late prompt __falenv_first
        end
    end
end

# Run $argv[2..-1], a function of part $argv[1], and parse the part first if that has not happened yet.
# Meanwhile fish_trace is empty, and exported, because only then do the called functions see it.
function __falenv_late
    set -q fish_trace
    and set -lx fish_trace
    set -l code __falenv_code_$argv[1]
    if functions -q $code
        builtin functions $code | string replace -f '#|' '' | builtin source
        functions -e $code
    end
    $argv[2..-1]
end

# Before version 3.6, `test` has neither -nt nor -ot.
if test ! / -nt / 2>/dev/null
    __falenv_load

    function fal --description 'fal, with the profile commands acting on this shell'
        if not test -x "$__falenv_exe"; or not functions -q __falenv_late
            command fal $argv
            return
        end
        switch "$argv[1]"
            case profile profiles
                __falenv_late command __falenv_profile $argv[2..-1]
            case '*'
                # The user's own function goes first.
                if functions -q __falenv_fal
                    __falenv_fal $argv
                else
                    $__falenv_exe -- $argv
                end
        end
    end

    function falenv --description 'falenv, with the profile commands acting on this shell'
        if not test -x "$__falenv_exe"; or not functions -q __falenv_late
            command falenv $argv
            return
        end
        switch "$argv[1]"
            case profile profiles
                __falenv_late command __falenv_profile $argv[2..-1]
            case '*'
                $__falenv_exe $argv
        end
    end
else
    function __falenv_start
        __falenv_late command __falenv_export
    end
end
