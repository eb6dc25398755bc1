# shellcheck shell=bash
# For direnv: `use fal NAME` in an .envrc gives the folder a profile; `use fal` alone follows what
# is active without it. A name that is none leaves the folder without a key, and so does a program
# that cannot be run. Were a failure handed on, direnv would drop all of the .envrc, and the key
# from outside would stay.
use_fal() {
    local exe=${__falenv_exe-} code
    [[ -x $exe ]] || exe=falenv
    code=$("$exe" profile env --shell bash "$@") || :
    eval "${code:-unset FAL_KEY}"
}
