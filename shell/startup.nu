# What `install` writes into nushell's autoload folder, behind the integration. nushell parses a file before
# it runs any of it, so the file holds the integration itself. After an upgrade the program writes the file
# again, for the next shell.
def __falenv_begin_shell [] {
    # The file is not empty if the user knows that the program is missing.
    let was_told = ($__falenv_note | path exists) and (%open --raw $__falenv_note | is-not-empty)
    if false in ([$__falenv_exe $__falenv_main] | path exists) {
        if $nu.is-interactive and not $was_told {
            mkdir ($__falenv_note | path dirname)
            'missing' | save --force $__falenv_note
            print --stderr $__falenv_lost
        }
        return
    }
    if $was_told { '' | save --force $__falenv_note }
    if $__falenv_version not-in (%open --raw $__falenv_init | lines) {
        # -I keeps Python from running code that the current folder or Python's variables name.
        ^$__falenv_python -I $__falenv_main profile start --shell nu --program $__falenv_exe
    }
}
__falenv_begin_shell
