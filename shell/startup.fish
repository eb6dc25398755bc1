# Let every new shell follow. If the file named above has the time of the program, the shell starts no
# process: the file contains what `fal profile env` prints.
string match -rq '^(?<__falenv_folder>.*)/' -- $__falenv_missed
if not test -x "$__falenv_exe" -a -x "$__falenv_python"
    # Tell a user once that the program is missing. Then the file is not empty.
    if status is-interactive; and test -t 2 -a ! -s "$__falenv_missed"
        test -d "$__falenv_folder"
        or command sh -c 'umask 077 && mkdir -p "$1"' sh $__falenv_folder 2>/dev/null
        if test -w "$__falenv_folder"
            echo missing >$__falenv_missed
            echo $__falenv_lost >&2
        end
    end
    set -e -g __falenv_exe
    set -e -g __falenv_python
    set -e -g __falenv_main
else
    test -s "$__falenv_missed" -a -w "$__falenv_missed"
    and echo -n >$__falenv_missed
    if test -f "$__falenv_cached" -a -r "$__falenv_cached" -a -O "$__falenv_cached"
        and string match -rq '^(?<__falenv_folder>.*)/' -- $__falenv_cached
        and test -O "$__falenv_folder"
        and not test -L "$__falenv_cached" -o "$__falenv_cached" -nt "$__falenv_exe" \
            -o "$__falenv_cached" -ot "$__falenv_exe"
        builtin source "$__falenv_cached"
    else
        # -I keeps Python from running code that the current folder or Python's variables name. After an
        # upgrade of Python, the package may be in another folder.
        test -r "$__falenv_main"
        or set __falenv_main -mfalenv
        $__falenv_python -I $__falenv_main profile start --shell fish --cache $__falenv_cached \
            --program $__falenv_exe | builtin source
    end
end
set -e __falenv_cached
set -e __falenv_folder
set -e __falenv_missed
set -e __falenv_lost
