# Let every new shell follow. If the file named above has the time of the program, the shell starts no
# process: the file contains what `fal profile env` prints.
if not test -x "$__falenv_exe"
    set -e -g __falenv_exe
    set -e -g __falenv_python
    set -e -g __falenv_main
else if test -f "$__falenv_cached" -a -r "$__falenv_cached" -a -O "$__falenv_cached"
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
set -e __falenv_cached
set -e __falenv_folder
