# shellcheck shell=bash
# Completion of fal and falenv for bash, 3.2 and later.
#
# The integration loads this file at the first TAB. Profile names then come from the index. A package
# installs it as `fal` and `falenv` for bash-completion. Profile names then come from a process.
#
# The functions never expand a word of the line or a name. All function names begin with
# __falenv_complete. In bash a called function reads and sets the locals of its caller, and these
# functions use that.

# `||` keeps `set -e` from ending the shell. `set -k` would take the assignments away from `local`.
__falenv_complete() {
    case $- in
        *k*)
            \builtin set +k
            __falenv_complete_line "$@" || :
            \builtin set -k
            ;;
        *) __falenv_complete_line "$@" || : ;;
    esac
}

# Fill COMPREPLY for the line up to the cursor. $2 is the text that readline will replace. That may be
# a part of a word, because readline also breaks words at : @ and =.
__falenv_complete_line() {
    local rest=${COMP_LINE:0:COMP_POINT} words value quote raw target='' cur head
    local positions position
    words=() positions=() COMPREPLY=()
    while :; do
        rest=${rest#"${rest%%[![:space:]]*}"}
        case $rest in
            [\<\>]*)
                target=yes
                rest=${rest#"${rest%%[!\<\>\&|]*}"}
                continue
                ;;
        esac
        raw=$rest
        position=$((COMP_POINT - ${#rest}))
        __falenv_complete_word
        if [[ -z $rest ]]; then
            break # the word under the cursor, maybe empty
        elif [[ -n $target ]]; then
            target=
        elif [[ $rest != [\<\>]* || $value != [0-9\&]* ]]; then
            words+=("$value")
            positions+=("$position")
        fi
    done
    cur=$value

    # The replies leave out the part of the word that readline keeps.
    local cur_quote=$quote
    rest=${raw%"$2"}
    __falenv_complete_word
    head=$value quote=$cur_quote

    if [[ -n $target ]]; then
        __falenv_complete_files
    elif ((${#words[@]} < 2)); then
        # Asking the official CLI takes a second, and none of its commands begins with prof.
        case $cur in
            prof*) ;;
            *) __falenv_complete_official "$@" ;;
        esac
        case $cur in
            profiles) __falenv_complete_offer profiles ;;
            *) __falenv_complete_offer profile ;;
        esac
    else
        case ${words[1]} in
            profile | profiles) __falenv_complete_profile ;;
            *)
                __falenv_complete_official "$@"
                ((${#COMPREPLY[@]})) || __falenv_complete_files
                ;;
        esac
    fi
}

# Remove the first word from `rest`. Set `value` to the word, and `quote` to the quote that is still
# open at its end.
__falenv_complete_word() {
    local plain
    value='' quote=''
    while [[ -n $rest ]]; do
        plain=${rest%%[[:space:]\\\'\"\<\>]*}
        value+=$plain
        rest=${rest:${#plain}}
        case $rest in
            \\*)
                value+=${rest:1:1}
                rest=${rest:2}
                ;;
            \'*)
                rest=${rest:1}
                plain=${rest%%\'*}
                value+=$plain
                if [[ $plain == "$rest" ]]; then
                    quote=\' rest=''
                else
                    rest=${rest:${#plain}+1}
                fi
                ;;
            \"*)
                rest=${rest:1}
                quote=\"
                while [[ -n $quote && -n $rest ]]; do
                    plain=${rest%%[\\\"]*}
                    value+=$plain
                    rest=${rest:${#plain}}
                    case $rest in
                        \"*) quote='' rest=${rest:1} ;;
                        \\[\\\"\$\`]*)
                            value+=${rest:1:1}
                            rest=${rest:2}
                            ;;
                        \\*)
                            value+=\\
                            rest=${rest:1}
                            ;;
                    esac
                done
                ;;
            *) return 0 ;;
        esac
    done
}

# Offer the given words that begin with the word under the cursor, in the same quotes. Put no backslash
# behind a byte that is not ASCII: in GBK, Big5 and other character sets the two are one character, so
# the backslash would quote nothing, and the shell would run the rest.
__falenv_complete_offer() {
    local word plain char closed single="'\\''"
    for word in "$@"; do
        [[ $word == "$cur"* ]] || continue
        word=${word#"$head"}
        case $quote in
            \') word=${word//\'/"$single"} ;;
            \")
                for char in \" \\ \$ \` \!; do
                    closed="\"'$char'\""
                    word=${word//"$char"/"$closed"}
                done
                ;;
            *)
                plain=$word
                [[ -z $word ]] || \builtin printf -v word %q "$word"
                if [[ $word != "$plain" && $plain == *[![:ascii:]]* ]]; then
                    word="'${plain//\'/"$single"}'"
                fi
                ;;
        esac
        # readline reads a quote at the end as the closing one, and adds no other.
        if [[ -n $quote && $word == *"$quote" ]]; then
            word+=$quote
        fi
        COMPREPLY+=("$word")
    done
}

# Offer files, as readline does. bash 3.2 does so by itself if there are no other replies.
__falenv_complete_files() {
    \builtin compopt -o bashdefault -o default 2>/dev/null || :
}

# Offer the profiles, with $1 before each name.
__falenv_complete_names() {
    local names default
    names=()
    # Read all lines at once. With 1,000 profiles that takes a tenth of the time of a loop.
    if __falenv_complete_follows; then
        {
            # shellcheck disable=SC2034  # the first line, which is the default
            IFS='' \builtin read -r default
            IFS=$'\n' \builtin read -r -d '' -a names || :
        } <"$__falenv_index"
        names=(${names[@]+"${names[@]#* }"})
    else
        IFS=$'\n' \builtin read -r -d '' -a names <<< \
            "$(__falenv_complete_run profile list --names 2>/dev/null </dev/null)" || :
    fi 2>/dev/null
    __falenv_complete_offer ${names[@]+"${names[@]/#/$1}"}
}

# True if this shell has the integration and follows the store. Variables alone prove nothing, because
# the environment can set them.
__falenv_complete_follows() {
    \builtin declare -F __falenv_guarded >/dev/null && [[ -n ${__falenv_index-} ]]
}

# Run falenv, in a subshell. A TAB must not run code from the current folder, from a relative entry of
# PATH, or from Python's variables.
__falenv_complete_run() {
    local falenv
    if \builtin declare -F __falenv_guarded >/dev/null; then
        # shellcheck disable=SC2154  # the prelude assigns these
        "$__falenv_python" -I "$__falenv_main" "$@"
        return
    fi
    falenv=$(\builtin type -P falenv) || return
    [[ $falenv == /* ]] || return
    # shellcheck disable=SC2086  # names
    \builtin unset ${!PYTHON@}
    "$falenv" "$@"
}

# Complete the words after `fal profile`.
__falenv_complete_profile() {
    if ((${#words[@]} == 2)); then
        __falenv_complete_offer env use off on current exec prompt completion install uninstall \
            list set unset key host create delete protect rename edit import export link unlink allow \
            deny verify doctor
        case $cur in -*) __falenv_complete_offer --help ;; esac
        return
    fi
    local options='' argument=''
    case ${words[2]} in
        env) options='--shell --format --exports-only --unset --no-prompt' argument=names ;;
        use) options='- --default --none --for --yes' argument=names ;;
        current) options='--json --name --explain' ;;
        exec) options='--none --yes --exit' argument=program ;;
        completion) argument=shells ;;
        install | uninstall) options='--yes --dry-run --json' argument=targets ;;
        list) options='--json' ;;
        edit) options='--yes --json' ;;
        set | link | unset) options='--yes --json' argument=names ;;
        rename) options='--yes --json' argument=names ;;
        import) options='--from-env --replace --allow-host --yes --json' argument=files ;;
        export) options='--no-keys --output --format --replace --json' argument=profiles ;;
        key)
            options='--stdin --from-env --command --keyring --inline --print --yes --json'
            argument=names
            ;;
        host) options='--profile --unset --force --yes --json' ;;
        delete) options='--yes --json' argument=names ;;
        protect) options='--exec-only --off --yes --json' argument=names ;;
        verify) options='--all --json' argument=profiles ;;
        doctor) options='--fix --network --json' ;;
        allow) options='--store --yes --json' ;;
        deny) options='--store --json' ;;
        create | unlink) options=--json ;;
        off | on | prompt) ;;
        *) return ;;
    esac

    # Count the arguments, and find the last one.
    local i given=0 last=2
    for ((i = 3; i < ${#words[@]}; i++)); do
        case ${words[i]} in
            --shell | --profile | --for | --format | --output) i=$((i + 1)) ;;
            *)
                # `exec --none` takes no name.
                [[ ${words[i]} != -?* || ${words[2]}:${words[i]} == exec:--none ]] || continue
                given=$((given + 1)) last=$i
                if [[ $argument == program ]]; then
                    break
                fi
                ;;
        esac
    done
    if ((given)) && [[ $argument == program ]]; then
        if [[ ${words[last + 1]-} == -- ]]; then
            last=$((last + 1))
        elif ((last + 1 == ${#words[@]})) && [[ $cur == -* ]]; then
            __falenv_complete_offer --
            return
        fi
        __falenv_complete_command "${positions[last + 1]-$position}" "$((last + 1))"
        return
    fi

    local IFS=' '
    # shellcheck disable=SC2086  # a list
    case ${words[2]}:${words[${#words[@]} - 1]}:$cur in
        use:--for:*) __falenv_complete_offer 15m 30m 1h 8h ;;
        env:--shell:*) __falenv_complete_offer bash dash fish ksh mksh nu sh zsh ;;
        env:*:--shell=*) __falenv_complete_offer --shell={bash,dash,fish,ksh,mksh,nu,sh,zsh} ;;
        env:--format:* | export:--format:*) __falenv_complete_offer docker dotenv github json systemd ;;
        env:*:--format=* | export:*:--format=*)
            __falenv_complete_offer --format={docker,dotenv,github,json,systemd}
            ;;
        export:--output:*) __falenv_complete_files ;;
        host:--profile:*) __falenv_complete_names '' ;;
        host:*:--profile=*) __falenv_complete_names --profile= ;;
        *:*:-*) __falenv_complete_offer $options --help ;;
        *)
            case $given:$argument in
                0:files) __falenv_complete_files ;;
                0:names | 0:program | *:profiles) __falenv_complete_names '' ;;
                0:shells) __falenv_complete_offer bash fish zsh ;;
                *:targets) __falenv_complete_offer bash direnv fish nu zsh ;;
            esac
            ;;
    esac
}

# Complete for another command, which begins at character $1 of the line, as word $2.
__falenv_complete_command() {
    local function='' word=0 line=$COMP_LINE
    if \builtin declare -F _comp_command_offset >/dev/null; then
        function=_comp_command_offset
    elif \builtin declare -F _command_offset >/dev/null; then
        function=_command_offset
    fi
    if [[ -n $function ]]; then
        # Find the command among readline's words.
        while :; do
            line=${line#"${line%%[![:space:]]*}"}
            ((${#COMP_LINE} - ${#line} < $1 && word < COMP_CWORD)) || break
            line=${line#"${COMP_WORDS[word]}"}
            word=$((word + 1))
        done
        "$function" "$word"
    elif (($2 < ${#words[@]})) || [[ $cur == */* ]]; then
        __falenv_complete_files
    else
        while IFS= \builtin read -r line; do
            __falenv_complete_offer "$line"
        done <<<"$(\builtin compgen -c -- "$cur")"
    fi 2>/dev/null
}

# Complete for the official CLI: with the function that was registered before, else as argcomplete's
# function for bash does (the program writes to file descriptor 8). That function itself would call
# the shell function fal.
__falenv_complete_official() {
    local former=${__falenv_completion-} reply word
    case $former in
        *' -F _python_argcomplete'*) ;;
        *' -F '*)
            former=${former#* -F }
            "${former%% *}" "$@"
            return
            ;;
    esac
    reply=$(
        COMP_LINE=${COMP_LINE:0:COMP_POINT} COMP_POINT=$COMP_POINT COMP_TYPE=${COMP_TYPE-} \
            _ARGCOMPLETE_COMP_WORDBREAKS=$COMP_WORDBREAKS _ARGCOMPLETE=1 \
            _ARGCOMPLETE_SHELL=bash _ARGCOMPLETE_SUPPRESS_SPACE=1 \
            __falenv_complete_run completion 8>&1 9>&2 >/dev/null 2>&1 </dev/null
    ) 2>/dev/null || return 0
    while IFS= \builtin read -r -d $'\013' word; do
        case ${#words[@]}:$word in
            *: | 1:profile | 1:profiles) ;;
            *) COMPREPLY+=("$word") ;;
        esac
    done <<<"$reply"$'\013'
    case ${#COMPREPLY[@]}:${COMPREPLY[0]-} in
        1:*[=/:]) \builtin compopt -o nospace 2>/dev/null || : ;;
    esac
}

if ((BASH_VERSINFO[0] < 4)); then
    \builtin complete -o bashdefault -o default -F __falenv_complete fal falenv
else
    \builtin complete -F __falenv_complete fal falenv
fi 2>/dev/null
