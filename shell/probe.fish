# `fal profile doctor` starts a new fish with these lines (newshell.py). They print one fact a line, behind
# the word falenv-says. They print no key, only its id.
function __falenv_says
    printf '\nfalenv-says %s %s\n' $argv[1] "$argv[2]"
end
__falenv_says version $version
functions -q __falenv_late
and __falenv_says loaded $__falenv_exe
if string match -q '*:*' -- "$FAL_KEY"
    __falenv_says key (string split -m 1 : -- $FAL_KEY)[1]
else if test -n "$FAL_KEY"
    __falenv_says key -
end
__falenv_says own $FALENV_KEY_ID
