# shellcheck shell=bash
# Completion of fal and falenv for bash, 3.2 and later.
#
# For the integration, where the names of the profiles come from its index, and for a package to
# install as bash-completion's `fal` and `falenv`, where they come from a process. No word of the
# line and no name is ever expanded. All names begin with __falenv_complete, but for the locals;
# those are read and set by the functions called: bash's locals reach down.

# In a list, where `set -e` does not end the shell.
__falenv_complete() {
    __falenv_complete_line "$@" || :
}

# $2 is what readline is going to replace: not always a whole word, since it breaks at : @ = too.
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

    # What stands before what is replaced, and so is left out of the replies.
    local cur_quote=$quote
    rest=${raw%"$2"}
    __falenv_complete_word
    head=$value quote=$cur_quote

    if [[ -n $target ]]; then
        __falenv_complete_files
    elif ((${#words[@]} < 2)); then
        # None of the official CLI's own begins with prof; to ask it takes a second.
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

# Take a word off the front of `rest`: its `value`, and the `quote` that is open at the end.
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

# Offer those of the given words that begin as the word under the cursor does, quoted as that is. No
# backslash stands behind a byte that is not ASCII: in GBK, Big5 and others the two are one character,
# and what the backslash was to quote would run.
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
        # readline takes a quote at the end for the closing one, and adds no other.
        if [[ -n $quote && $word == *"$quote" ]]; then
            word+=$quote
        fi
        COMPREPLY+=("$word")
    done
}

# Offer files, in readline's own way. bash 3.2 does that by itself where there is nothing else.
__falenv_complete_files() {
    \builtin compopt -o bashdefault -o default 2>/dev/null || :
}

# Offer the profiles, with $1 before each name.
__falenv_complete_names() {
    local names default
    names=()
    # All lines at once: of a thousand that takes a tenth of the time.
    if __falenv_complete_follows; then
        {
            # shellcheck disable=SC2034  # the first line, which is no profile
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

# True if the integration is here and follows the store. Do not believe its variables alone, which the
# environment can bring.
__falenv_complete_follows() {
    \builtin declare -F __falenv_guarded >/dev/null && [[ -n ${__falenv_index-} ]]
}

# Run falenv, in a subshell. A TAB must not run code that the current folder, a relative entry of PATH or
# Python's variables name.
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

# The rest of `fal profile …`.
__falenv_complete_profile() {
    if ((${#words[@]} == 2)); then
        __falenv_complete_offer env use off on current exec prompt completion install uninstall \
            list set unset key host create delete link unlink allow deny
        case $cur in -*) __falenv_complete_offer --help ;; esac
        return
    fi
    local options='' argument=''
    case ${words[2]} in
        env) options='--shell --exports-only --unset --no-prompt' argument=names ;;
        use) options='- --default' argument=names ;;
        current) options='--json --name' ;;
        exec) argument=program ;;
        completion) argument=shells ;;
        install | uninstall) options='--yes --dry-run' argument=targets ;;
        list) options='--json' ;;
        set | link) argument=names ;;
        key) options='--stdin --from-env' argument=names ;;
        host) options='--profile --unset --force' ;;
        delete) argument=names ;;
        off | on | prompt | unset | create | unlink | allow | deny) ;;
        *) return ;;
    esac

    # How many arguments were given, and which word is the last of them.
    local i given=0 last=2
    for ((i = 3; i < ${#words[@]}; i++)); do
        case ${words[i]} in
            --shell | --profile) i=$((i + 1)) ;;
            -?*) ;;
            *)
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
        env:--shell:*) __falenv_complete_offer bash dash fish ksh mksh sh zsh ;;
        env:*:--shell=*) __falenv_complete_offer --shell={bash,dash,fish,ksh,mksh,sh,zsh} ;;
        host:--profile:*) __falenv_complete_names '' ;;
        host:*:--profile=*) __falenv_complete_names --profile= ;;
        *:*:-*) __falenv_complete_offer $options --help ;;
        *)
            case $given:$argument in
                0:names | 0:program) __falenv_complete_names '' ;;
                0:shells) __falenv_complete_offer bash fish zsh ;;
                *:targets) __falenv_complete_offer bash direnv fish zsh ;;
            esac
            ;;
    esac
}

# Another command's own completion: it begins at character $1 of the line, and is word $2.
__falenv_complete_command() {
    local function='' word=0 line=$COMP_LINE
    if \builtin declare -F _comp_command_offset >/dev/null; then
        function=_comp_command_offset
    elif \builtin declare -F _command_offset >/dev/null; then
        function=_command_offset
    fi
    if [[ -n $function ]]; then
        # Which of readline's words that is.
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

# What the official CLI offers: by the function that stood here before us, else as argcomplete's
# own function for bash asks for it (file descriptor 8 is where the program answers). That
# function would ask by way of the shell's function fal.
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
