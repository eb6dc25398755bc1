# Completion of fal and falenv for fish, 3.6 and later.
#
# The integration loads this file at the first TAB. Profile names then come from the index. A package
# installs it as fal.fish and falenv.fish. Profile names then come from a process.
#
# All names begin with __falenv_complete.

# Print the words before the cursor, from the command on.
function __falenv_complete_words
    set -l words (commandline -opc)
    while string match -qr '^\w+=' -- "$words[1]"
        set -e words[1]
    end
    printf '%s\n' $words
end

# Print what the cursor is on:
#   first       the first word after fal
#   official    the arguments of the official CLI
#   profile     the word after `fal profile`
#   use 0       the subcommand, and how many arguments it has already
#   command     the command after `exec NAME`
function __falenv_complete_place
    set -l words (__falenv_complete_words)
    if not set -q words[2]
        echo first
    else if not contains -- $words[2] profile profiles
        echo official
    else if not set -q words[3]
        echo profile
    else
        set -l given 0
        set -l value
        for word in $words[4..-1]
            if test -n "$value"
                set value
            else if contains -- $word --shell --profile --for --format --output
                set value yes
            else if not string match -q -- '-?*' $word; or test $words[3]$word = exec--none
                set given (math $given + 1)
            end
        end
        switch "$words[3] $given"
            case 'exec 0'
                echo 'exec 0'
            case 'exec *'
                echo command
            case '*'
                echo "$words[3] $given"
        end
    end
end

# True if the cursor is at a place that one of these patterns matches.
function __falenv_complete_at
    set -l place (__falenv_complete_place)
    for pattern in $argv
        string match -q -- $pattern $place
        and return
    end
    return 1
end

function __falenv_complete_names
    # Variables alone prove nothing, because the environment can set them.
    if functions -q __falenv_late; and test -n "$__falenv_index"
        test -r "$__falenv_index"
        or return
        set -l names (string replace -r '^\S* ' '' <$__falenv_index)
        set -q names[2] # the first line is the default
        and printf '%s\n' $names[2..-1]
    else
        __falenv_complete_run profile list --names 2>/dev/null </dev/null
    end
end

# Run falenv. A TAB must not run code from the current folder, from a relative entry of PATH, or from
# Python's variables.
function __falenv_complete_run
    if functions -q __falenv_late
        $__falenv_python -I $__falenv_main $argv
        return
    end
    set -l falenv (command -s falenv)
    string match -q '/*' -- "$falenv"
    or return
    set -l names (set -xn | string match 'PYTHON*')
    /usr/bin/env '-u'$names $falenv $argv
end

# exec NAME [--] COMMAND…: after the name, use the completion of the command.
function __falenv_complete_command
    set -l words (__falenv_complete_words)[4..-1]
    # `exec --none` takes no name.
    while string match -q -- '-?*' "$words[1]"; and test $words[1] != --none
        set -e words[1]
    end
    set -e words[1]
    set -l token (commandline -ct)
    if test "$words[1]" = --
        set -e words[1]
    else if not set -q words[1]; and string match -q -- '-*' $token
        printf '%s\t%s\n' -- 'The command follows'
        return
    end
    set -l line (string join ' ' -- (string escape -- $words) "$token")
    complete -C "$line"
end

# Complete for the official CLI as argcomplete's function for fish does: the program writes to file
# descriptor 8. That function itself would call the shell function fal.
function __falenv_complete_official
    set -l token (commandline -ct)
    set -l words (__falenv_complete_words)
    # Asking the official CLI takes a second, and none of its commands begins with prof.
    if not set -q words[2]; and string match -q 'prof*' -- $token
        return
    end
    set -lx COMP_LINE (string join ' ' -- fal (string escape -- $words[2..-1]) "$token")
    set -lx COMP_POINT (string length -- $COMP_LINE)
    set -lx COMP_TYPE
    set -lx _ARGCOMPLETE 1
    set -lx _ARGCOMPLETE_DFS \t
    set -lx _ARGCOMPLETE_IFS \n
    set -lx _ARGCOMPLETE_SUPPRESS_SPACE 1
    set -lx _ARGCOMPLETE_SHELL fish
    set -l replies (__falenv_complete_run completion 8>&1 9>&2 >/dev/null 2>&1 </dev/null)
    set -q words[2]
    or set replies (string match -rv '^profiles?\t' -- $replies)
    printf '%s\n' $replies
end

function __falenv_complete_add
    complete -c fal -c falenv -f -n "__falenv_complete_at $argv[1]" $argv[2..-1]
end

__falenv_complete_add first -a profile -d 'Keep a profile per fal.ai account and switch between them'
__falenv_complete_add 'first official' -a '(__falenv_complete_official)'

__falenv_complete_add profile -a env -d 'Print the code that loads falenv into a shell'
__falenv_complete_add profile -a use -d 'Pin this shell to a profile'
__falenv_complete_add profile -a off -d 'Remove falenv from this shell'
__falenv_complete_add profile -a on -d 'Load falenv into this shell again, after off'
__falenv_complete_add profile -a current -d 'Show which profile is active here, and why'
__falenv_complete_add profile -a exec -d 'Run one command with a profile'
__falenv_complete_add profile -a prompt -d 'Print the active profile, formatted for a prompt'
__falenv_complete_add profile -a completion -d 'Print the completion script of a shell'
__falenv_complete_add profile -a install -d 'Load falenv into every new shell'
__falenv_complete_add profile -a uninstall -d 'Remove what install has added'
__falenv_complete_add profile -a list -d 'List all profiles'
__falenv_complete_add profile -a set -d 'Set the default profile'
__falenv_complete_add profile -a unset -d 'Unset the default profile'
__falenv_complete_add profile -a key -d 'Set the key of a profile'
__falenv_complete_add profile -a host -d 'Set the fal host of a profile'
__falenv_complete_add profile -a create -d 'Create a profile and make it the default'
__falenv_complete_add profile -a delete -d 'Delete a profile and its key'
__falenv_complete_add profile -a protect -d 'Ask before a command uses or changes a profile'
__falenv_complete_add profile -a rename -d 'Give a profile another name'
__falenv_complete_add profile -a edit -d 'Edit the store in your editor, and check it before saving'
__falenv_complete_add profile -a import -d 'Import profiles from an .env file or another store'
__falenv_complete_add profile -a export -d 'Write profiles to a file that import reads'
__falenv_complete_add profile -a link -d 'Use a profile in this folder and below'
__falenv_complete_add profile -a unlink -d 'Remove the .fal-profile of this folder'
__falenv_complete_add profile -a allow -d 'Follow the nearest .fal-profile'
__falenv_complete_add profile -a deny -d 'Ignore the nearest .fal-profile'
__falenv_complete_add profile -a verify -d 'Ask fal whose key it is'
__falenv_complete_add profile -a doctor -d 'Find what is wrong here, and how to fix it'

__falenv_complete_add "profile '* *'" -s h -l help -d 'Show this message and exit'
__falenv_complete_add "'env *'" -l shell -x -a 'bash dash fish ksh mksh nu sh zsh' -d 'Print code for this shell'
__falenv_complete_add "'env *' 'export *'" -l format -x -a 'docker dotenv github json systemd' -d 'Print the variables for another program'
__falenv_complete_add "'env *'" -l exports-only -d 'Print only the exports'
__falenv_complete_add "'env *'" -l unset -d 'Print code that unsets the variables'
__falenv_complete_add "'env *'" -l no-prompt -d 'Do not show the profile in the prompt'
__falenv_complete_add "'use 0'" -a - -d 'Go back to what the shell used before'
__falenv_complete_add "'use 0'" -l default -d 'Follow the default again'
__falenv_complete_add "'use 0'" -l none -d 'Have no fal credentials in this shell'
__falenv_complete_add "'use *'" -l for -x -a '15m 30m 1h 8h' -d 'Go back after 90s, 30m or 8h'
__falenv_complete_add "'use *' 'exec 0'" -l yes -d 'Use a protected profile without asking'
__falenv_complete_add "'exec 0'" -l none -d 'Run it without any fal credentials'
__falenv_complete_add "'exec 0'" -s e -l exit -d 'Stop at the first failure'
__falenv_complete_add "'current *'" -l json -d 'Print JSON'
__falenv_complete_add "'current *'" -l name -d 'Print only the name'
__falenv_complete_add "'current *'" -l explain -d 'Show each step, and what each client uses'
__falenv_complete_add "'install *' 'uninstall *'" -l yes -d 'Make the change without asking'
__falenv_complete_add "'install *' 'uninstall *'" -l dry-run -d 'Show the change, but do not make it'
set -l writes "'"{list,set,unset,key,host,create,delete,protect,rename,edit,import,export,link,unlink,allow,deny,install,uninstall}" *'"
__falenv_complete_add "$writes" -l json -d 'Print JSON'
__falenv_complete_add "'key *'" -l stdin -d 'Read the key from standard input'
__falenv_complete_add "'key *'" -l from-env -d 'Take your own key from the environment'
__falenv_complete_add "'key *'" -l command -d 'Get the key from the command that follows'
__falenv_complete_add "'key *'" -l keyring -d 'Move the key into the keyring of the system'
__falenv_complete_add "'key *'" -l inline -d 'Move the key into the store'
__falenv_complete_add "'allow *'" -l store -d 'Run the key commands of this store'
__falenv_complete_add "'allow *'" -l yes -d 'Allow them without asking'
__falenv_complete_add "'deny *'" -l store -d 'Run no key command of this store'
__falenv_complete_add "'key *'" -l yes -d 'Set the key without asking'
__falenv_complete_add "'set *' 'unset *' 'host *' 'protect *' 'rename *' 'edit *' 'import *' 'link *'" -l yes -d 'Do not ask about a protected profile'
__falenv_complete_add "'protect *'" -l exec-only -d 'Keep the key out of shells instead'
__falenv_complete_add "'protect *'" -l off -d 'Undo this'
__falenv_complete_add "'key *'" -l print -d 'Print the key, but never to a terminal'
__falenv_complete_add "'import *'" -l from-env -d 'Take your own key from the environment'
__falenv_complete_add "'import *'" -l replace -d 'Replace the key and host of existing profiles'
__falenv_complete_add "'import *'" -l allow-host -d 'Accept a host that fal does not own'
__falenv_complete_add "'export *'" -l no-keys -d 'Leave out the keys, for a team'
complete -c fal -c falenv -n "__falenv_complete_at 'export *'" -l output -r -F -d 'Write a private file'
__falenv_complete_add "'export *'" -l replace -d 'Replace FILE if it exists'
__falenv_complete_add "'host *'" -l profile -x -a '(__falenv_complete_names)' -d 'Change this profile'
__falenv_complete_add "'host *'" -l unset -d 'Remove the host from the profile'
__falenv_complete_add "'host *'" -l force -d 'Accept a host that fal does not own'
__falenv_complete_add "'verify *'" -l all -d 'Verify all profiles'
__falenv_complete_add "'verify *' 'doctor *'" -l json -d 'Print JSON'
__falenv_complete_add "'doctor *'" -l fix -d "Repair modes and falenv's own lines"
__falenv_complete_add "'doctor *'" -l network -d 'Also ask fal about the active key'
__falenv_complete_add "'delete *'" -l yes -d 'Delete without asking'

__falenv_complete_add "'env 0' 'use 0' 'set 0' 'unset 0' 'key 0' 'delete 0' 'protect 0' 'rename 0' 'export *' 'link 0' 'exec 0' 'verify *'" -a '(__falenv_complete_names)' -d Profile
complete -c fal -c falenv -n "__falenv_complete_at 'import 0'" -F
__falenv_complete_add "'completion 0'" -a 'bash fish zsh'
__falenv_complete_add "'install *' 'uninstall *'" -a 'bash direnv fish nu zsh'
__falenv_complete_add command -a '(__falenv_complete_command)'
functions -e __falenv_complete_add
