# Let every new shell follow. If the file named above has the time of the program, the shell starts no
# process: the file contains what `fal profile env` prints, without the key.
if not test -x "$__falenv_exe"
    set -e -g __falenv_exe
else if test -f "$__falenv_cached" -a -r "$__falenv_cached" -a -O "$__falenv_cached"
    and not test -L "$__falenv_cached" -o "$__falenv_cached" -nt "$__falenv_exe" \
        -o "$__falenv_cached" -ot "$__falenv_exe"
    builtin source "$__falenv_cached"
else
    $__falenv_exe profile start --shell fish --cache "$__falenv_cached" | builtin source
end
set -e -g __falenv_cached
