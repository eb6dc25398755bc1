# shellcheck shell=bash
# For direnv: `use fal NAME` in an .envrc gives the folder a profile. `use fal` alone uses the profile
# that is active without it. With an unknown name, or if the program cannot run, the folder has no
# key. The function does not return an error then: direnv would drop the whole .envrc, and the key
# from outside would stay.
use_fal() {
    local exe=${__falenv_exe-} code
    [[ -x $exe ]] || exe=falenv
    code=$("$exe" profile env --shell bash "$@") || :
    eval "${code:-unset FAL_KEY}"
}
