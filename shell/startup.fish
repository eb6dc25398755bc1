# Let every new shell follow. If the copy named above (__falenv_cached) is current, the shell starts no
# process: the copy contains what `fal profile env` prints. startup.sh and check.sh explain the tests.
set -l line
set -l made
set -l package
set -l lines
set -l current
set -l python
set -l root
set -l old
set -l rest
test -f "$__falenv_exe" -a -r "$__falenv_exe"
and builtin read line <$__falenv_exe
string match -q '#!*' -- "$line"
or set line
string match -rq '^(?<__falenv_folder>.*)/' -- $__falenv_cached
if test -f "$__falenv_cached" -a -r "$__falenv_cached" -a -O "$__falenv_cached" -a ! -L "$__falenv_cached" \
        -a -O "$__falenv_folder"
    and test ! / -nt / 2>/dev/null # not before fish 3.6, which has no -nt
    begin
        builtin read made
        builtin read package
        builtin read lines
    end <$__falenv_cached
    set package (string sub -s 2 -- "$package")
    set -l written $lines
    if test "$made" = "#$line" -a -r "$package/__init__.py"
        builtin read -z -a -d \n lines <$package/__init__.py
        contains -- "$written" "#"$lines
        and set current yes
    end
end
if test -z "$current"
else if test "$__falenv_cached" -nt "$__falenv_exe" -o "$__falenv_cached" -ot "$__falenv_exe"
    set current
else if test ! -d "$package/_data"
    # A checkout: beside the copy is a file with the time of the newest file that the copy is made from.
    set current
    string match -rq '^(?<__falenv_folder>.*)/' -- $package
    for file in $package/*.py $__falenv_folder/shell/* $__falenv_folder/completions/*
        if test "$file" -nt "$__falenv_cached.newest"
            set current
            break
        end
        test "$file" -ot "$__falenv_cached.newest"
        or set current yes
    end
end
# After an upgrade, the script may name another Python, with the package in the same place.
if test "$line" != "#!$__falenv_python"
    and string match -rq '^#!(?<python>(?<root>/(?:.*/)?)[^/ ]+/(?:python|pypy)[^/ ]*)' -- "$line"
    and string match -rq '^(?<old>/(?:.*/)?)[^/]+/[^/]+$' -- $__falenv_python
    and string match -rq "^\Q$old\E(?<rest>.*)" -- $__falenv_main
    and test -x "$python" -a -r "$root$rest"
    set __falenv_python $python
    set __falenv_main $root$rest
end
string match -rq '^(?<__falenv_folder>.*)/' -- $__falenv_note
if not test -x "$__falenv_exe" -a -x "$__falenv_python"
    # Tell a user once that the program is missing. Then the file is not empty.
    if status is-interactive; and test -t 2 -a ! -s "$__falenv_note"
        test -d "$__falenv_folder"
        or command sh -c 'umask 077 && mkdir -p "$1"' sh $__falenv_folder 2>/dev/null
        if test -w "$__falenv_folder"
            echo missing >$__falenv_note
            echo $__falenv_lost >&2
        end
    end
    set -e -g __falenv_exe
    set -e -g __falenv_python
    set -e -g __falenv_main
else
    test -s "$__falenv_note" -a -w "$__falenv_note"
    and echo -n >$__falenv_note
    if test -n "$current"
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
set -e __falenv_note
set -e __falenv_lost
