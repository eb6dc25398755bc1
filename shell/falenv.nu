# falenv's integration for nushell.
#
# Sent after a prelude of constants and before a start state; README.md in this folder describes both.
# nushell has no eval. So a state is data, a line of JSON for each statement, and __falenv_take carries
# it out. The commands have the names and meanings of core.sh.
#
# nushell exports every text in $env, but no record. So all that the shell remembers is in the record
# $env.__falenv. No field of it holds a key, except `old`: what the user had before falenv.
#
# In a command, `hide-env` of a variable fails after a call of another command that changes $env. So the
# commands here return what is to change: they take and return a record with the fields of $env.__falenv
# and `vars`, falenv's variables with null for unset. __falenv_become changes $env once, at the end.
#
# nushell resolves a command when it parses a line. `%open` gets past an alias of the user's.

# The user's own commands. Without one, the alias runs the program of that name. It must be resolved
# before falenv's own commands are, so it is in a module of its own.
module __falenv_users {
    export alias __falenv_users_fal = fal
    export alias __falenv_users_falenv = falenv
}
use __falenv_users *

module __falenv_module {

# --- What the shell has, and had before -----------------------------------------------------------

def __falenv_variables []: nothing -> list<string> { $__falenv_vars | split row ' ' }

# All variables that falenv may change.
def __falenv_all []: nothing -> list<string> {
    [
        ...(__falenv_variables) FAL_PROFILE FAL_HOME_DIR FALENV_NONE FALENV_KEPT_ID FALENV_UNTIL FALENV_AFTER
    ]
}

const __falenv_hosts = [FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST]

# Return the shell as it is.
def __falenv_shell [] {
    let names = (__falenv_all)
    let vars = ($names | reduce --fold {} {|name, vars| $vars | insert $name ($env | get --optional $name)})
    $env.__falenv | merge {vars: $vars}
}

# Make the shell what a record says.
def --env __falenv_become [shell: record] {
    for name in ($shell.vars | columns) {
        let value = ($shell.vars | get $name)
        if $value != null {
            load-env {$name: $value}
        } else if $name in $env {
            hide-env $name
            # A caller that has changed $env before keeps its copy. null is not exported.
            if $name in $env { load-env {$name: null} }
        }
    }
    $env.__falenv = ($shell | reject vars)
}

# Return a variable of the shell as text; empty if it is unset.
def __falenv_get [name: string]: record -> string {
    $in.vars | get $name | default '' | into string
}

def __falenv_set [vars: record]: record -> record {
    $in | update vars {|shell| $shell.vars | merge $vars}
}

def __falenv_unset [names: list<string>]: record -> record {
    let shell = $in
    $shell | __falenv_set ($names | reduce --fold {} {|name, vars| $vars | insert $name null})
}

# Remember variables, with whatever type the user gave them.
def __falenv_keep [names: list<string>]: record -> record {
    let shell = $in
    $shell | update old ($shell.old | merge ($shell.vars | select ...$names))
}

# Variables that falenv has set: `off` unsets them.
def __falenv_disown [names: list<string>]: record -> record {
    let shell = $in
    $shell | update old ($names | reduce --fold $shell.old {|name, old| $old | upsert $name null})
}

# Restore variables to what __falenv_keep found.
def __falenv_restore [names: list<string>]: record -> record {
    let shell = $in
    $shell | __falenv_set (
        $names | reduce --fold {} {|name, vars| $vars | insert $name ($shell.old | get --optional $name)}
    )
}

# If the user has set or removed the pin since the last look, it is the user's: remember it.
def __falenv_keep_pin []: record -> record {
    let shell = $in
    if ($shell | __falenv_get FAL_PROFILE) != $shell.pin { $shell | __falenv_keep [FAL_PROFILE] } else { $shell }
}

# Remember all variables when a shell is new. A shell started from an integrated one has variables that
# falenv exported there, which do not belong to the user.
def __falenv_keep_all []: record -> record {
    let shell = (
        $in
        | __falenv_keep [...(__falenv_variables) FAL_PROFILE FAL_HOME_DIR]
        | __falenv_disown [FALENV_PROFILE FALENV_KEY_ID FALENV_MARK]
    )
    let pin = ($shell | __falenv_get FAL_PROFILE)
    let profile = ($shell | __falenv_get FALENV_PROFILE)
    let shell = ($shell | update pin $pin)
    if ($shell | __falenv_get FALENV_NONE) != '' {
        return ($shell | __falenv_disown [FAL_PROFILE FAL_HOME_DIR])
    }
    if $profile == '' { return $shell }
    mut shell = ($shell | __falenv_disown $__falenv_hosts)
    if $pin == $profile {
        $shell = ($shell | __falenv_disown [FAL_PROFILE])
        if ($shell | __falenv_get FALENV_MARK) starts-with $__falenv_mark_folder { $shell.guard = $pin }
    }
    let own = ($shell | __falenv_key_id)
    if $own == ($shell | __falenv_get FALENV_KEY_ID) {
        $shell = ($shell | __falenv_disown [FAL_KEY])
    } else if $own != '' and $own != ($shell | __falenv_get FALENV_KEPT_ID) {
        $shell.foreign = 'yes'
    }
    $shell
}

# Return the id of a key: the part before the colon, or - for a key without one.
def __falenv_id [key]: nothing -> string {
    let key = ($key | default '' | into string)
    if ':' in $key { $key | split row --number 2 ':' | first } else if $key == '' { '' } else { '-' }
}

def __falenv_key_id []: record -> string { __falenv_id $in.vars.FAL_KEY }

# No profile is active, so the shell belongs to the user.
def __falenv_give_back []: record -> record {
    let shell = $in
    let is_ours = ($shell | __falenv_get FALENV_PROFILE) != ''
    if $shell.why in ['failed' 'nobody'] or ($shell.why != 'none' and $is_ours) {
        $shell | __falenv_restore (__falenv_variables)
    } else {
        $shell
    }
}

# A profile becomes active. If none was, remember what the user has set. Note the rivals that are set.
def __falenv_set_aside []: record -> record {
    mut shell = $in
    if $shell.why == 'none' and ($shell | __falenv_get FALENV_PROFILE) == '' {
        $shell = ($shell | __falenv_keep (__falenv_variables) | __falenv_disown [FALENV_MARK])
        $shell.foreign = ''
    }
    # A start-up file may set the same key again in a child shell. There it is not the user's choice, as
    # a foreign key is.
    if $shell.old.FAL_KEY != null and $shell.foreign == '' {
        $shell = ($shell | __falenv_set {FALENV_KEPT_ID: (__falenv_id $shell.old.FAL_KEY)})
    }
    let rivals = ($shell | __falenv_set_rivals)
    if $rivals != [] { $shell.aside = $rivals }
    $shell
}

def __falenv_set_rivals []: record -> list<string> {
    let vars = $in.vars
    $__falenv_rivals | split row ' ' | where {|name| ($vars | get $name) != null}
}

# Say once which rivals falenv has set aside.
def __falenv_tell_aside []: record -> record {
    let shell = $in
    if $shell.aside == [] or $shell.aside == $shell.told_aside { return ($shell | update aside []) }
    print --stderr $"($__falenv_rivals_aside) ($shell.aside | str join ' ')"
    $shell | merge {aside: [], told_aside: $shell.aside}
}

# --- What the shell saw last ----------------------------------------------------------------------

# Note what the shell looks like now. Each state ends with this call.
def __falenv_note_state []: record -> record {
    mut shell = $in
    # FAL_PROFILE guards a linked profile without a key (core.sh says why).
    if $shell.guard != '' and ($shell | __falenv_get FAL_PROFILE) == $shell.guard {
        $shell = ($shell | __falenv_unset [FAL_PROFILE])
    }
    $shell.guard = ''
    if $shell.why == 'folder' and $shell.id == '' {
        $shell.guard = $shell.name
        $shell = ($shell | __falenv_set {FAL_PROFILE: $shell.name})
    }
    # With another key, the key in an .env file may be another than the shell's.
    $shell | __falenv_set_mark | merge {
        pin: ($shell | __falenv_get FAL_PROFILE)
        marked: ($shell | __falenv_get FALENV_PROFILE)
        where: (__falenv_where)
        around: null
        dotenv: true
    }
}

def __falenv_where []: nothing -> string { $"($env.FAL_CONFIG_PATH? | default ''):($env.HOME? | default '')" }

# Return who pays: the id of the key and the hosts. No secret is among them.
def __falenv_payer []: record -> string {
    let shell = $in
    [($shell | __falenv_key_id) ...($__falenv_hosts | each {|name| $shell | __falenv_get $name})] | str join ':'
}

# True if the variables are what falenv has set, or if no profile is active.
def __falenv_is_untouched []: record -> bool {
    let shell = $in
    $shell.name == '' or (
        ($shell | __falenv_payer) == $shell.ours and ($shell | __falenv_set_rivals) == []
    )
}

# Note the segment's mark, which other prompts show too.
def __falenv_set_mark []: record -> record {
    let shell = $in
    let mark = if $shell.name == '' {
        null
    } else if not ($shell | __falenv_is_untouched) {
        $__falenv_mark_touched
    } else {
        let mark = match $shell.why { 'pin' => $__falenv_mark_pin, 'folder' => $__falenv_mark_folder, _ => '' }
        let mark = $"($mark)($shell.suffix)"
        if $mark == '' { null } else { $mark }
    }
    $shell | __falenv_set {FALENV_MARK: $mark}
}

# Return all that decides who pays, without a secret, and what the segment depends on.
def __falenv_around [] {
    [
        $env.PWD? $env.FAL_PROFILE? $env.FALENV_PROFILE? $env.FAL_CONFIG_PATH? $env.HOME?
        $env.FAL_HOST? $env.FAL_RUN_HOST? $env.FAL_QUEUE_RUN_HOST? $env.FALENV_MARK?
        $env.FALENV_PROMPT? $env.NO_COLOR? $env.TERM? $env.FALENV_NONE?
        ($env.FAL_KEY_ID? == null) ($env.FAL_KEY_SECRET? == null) ($env.FAL_FORCE_AUTH_BY_USER? == null)
        ($env.FAL_GRPC_HOST? == null) ($env.FAL_REST_HOST? == null) ($env.FAL_WS_RUN_HOST? == null)
        ($env.ISOLATE_AUTH_DISABLED? == null) ($env.ISOLATE_TEST_MODE? == null)
        (__falenv_id $env.FAL_KEY?)
    ]
}

# Return the paths of a .fal-profile in the current folder and above, nearest first.
def __falenv_chain []: nothing -> list<string> {
    mut folder = ($env.PWD? | default '/')
    mut chain = []
    while $folder not-in ['/' ''] {
        $chain = ($chain | append $"($folder)/.fal-profile")
        $folder = ($folder | path dirname)
    }
    $chain | append /.fal-profile
}

# Return what tells a file from what it was. A FIFO is never opened.
def __falenv_look_at [file: string] {
    let type = ($file | path type)
    [$file $type (if $type == file { try { %open --raw $file | hash md5 } catch { '' } } else { '' })]
}

# Return what tells these .fal-profile files from what they were.
def __falenv_look_at_links [chain: list<string>] {
    let there = ($chain | path exists --no-symlink)
    if true not-in $there { return [] }
    $chain | zip $there | where {|pair| $pair.1} | each {|pair| __falenv_look_at $pair.0}
}

# Return what tells the store from what it was. nushell's `ls` takes thirty times as long as this hash.
def __falenv_look_at_store [store: string]: nothing -> string {
    if ($store | path exists) { try { %open --raw $store | hash md5 } catch { '-' } } else { '' }
}

# Look around before the program does, so that no change between the two is missed.
def __falenv_look []: record -> record {
    let shell = $in
    let chain = (__falenv_chain)
    $shell | merge {
        pwd: $env.PWD?
        chain: $chain
        links: (__falenv_look_at_links $chain)
        seen: (__falenv_look_at_store $shell.store)
        dotenv: ($shell.dotenv or $shell.pwd != $env.PWD?)
    }
}

# True if the store or a .fal-profile is not as this shell has seen it. `allow`, `deny` and falenv's own
# edits replace the index.
def __falenv_is_outdated []: record -> bool {
    let shell = $in
    let chain = if $shell.pwd == $env.PWD? { $shell.chain } else { __falenv_chain }
    ($shell.index != '' and (
        not ($shell.index | path exists) or (__falenv_look_at_store $shell.store) != $shell.seen
    )) or (__falenv_look_at_links $chain) != $shell.links
}

# --- Following the store and the folder -----------------------------------------------------------

# Apply a state, which is data: a line of JSON for each statement.
def __falenv_take [state: string]: record -> record {
    let before = $in
    $state | lines | reduce --fold $before {|line, shell|
        match ($line | from json) {
            ['export' $name $value] => { $shell | __falenv_set {$name: $value} }
            ['unset' $name] => { $shell | __falenv_unset [$name] }
            ['assign' $name $value] => { $shell | upsert ($name | str replace '__falenv_' '') $value }
            ['call' '__falenv_give_back'] => { $shell | __falenv_give_back }
            ['call' '__falenv_set_aside'] => { $shell | __falenv_set_aside }
            ['call' '__falenv_note_state'] => { $shell | __falenv_note_state }
            ['call' '__falenv_start'] => { $shell | __falenv_begin }
        }
    }
}

# Apply a state that the program has just printed. The next prompt looks at another store for the first time.
def __falenv_move [state: string]: record -> record {
    let before = $in
    let shell = ($before | __falenv_take $state)
    if $before.store == $shell.store { $shell } else { $shell | update seen null }
}

# Run the program for a state, with pin $pin. -I keeps Python from running code that the current folder
# or Python's variables name.
def __falenv_refresh [shell: record, pin: string, options: list<string>] {
    # Without the mark, FAL_PROFILE is a pin, whatever has chosen the profile until now.
    let variables = {FAL_PROFILE: $pin, FALENV_MARK: '', FALENV_NONE: ''}
    with-env ($variables | insert __falenv_own_key_id (__falenv_id $shell.old.FAL_KEY)) {
        let words = [profile refresh --shell nu --protocol $__falenv_protocol ...$options]
        '' | ^$__falenv_python -I $__falenv_main ...$words
    }
}

# Return the user's pin; empty without one.
def __falenv_users_pin []: record -> string {
    let shell = $in
    let pin = ($shell | __falenv_get FAL_PROFILE)
    if $pin == $shell.guard { '' } else { $pin }
}

# Follow a change. $kind is `switch` (typed here; it takes over variables set by hand too), `change`
# (made elsewhere) or `start`. If the program prints no state, stop following.
def __falenv_follow [kind: string]: record -> record {
    let shell = ($in | __falenv_keep_pin | __falenv_look)
    let has_none = ($shell | __falenv_get FALENV_NONE) != ''
    if $kind == change and ($has_none or not ($shell | __falenv_is_untouched)) { return $shell }
    let left = if $kind == change { $shell.name } else { '' }
    let pin = if $has_none { $__falenv_nobody } else { $shell | __falenv_users_pin }
    let ran = (__falenv_refresh $shell $pin [--was $left] | complete)
    print --stderr --no-newline --raw $ran.stderr
    if $ran.stdout == '' { return ($shell | update index '') }
    $shell | __falenv_move $ran.stdout
}

# If an .env file of this folder has another key than the shell, the program says so once for each
# version of the file. This shell asks once for each of its keys.
def __falenv_check_dotenv []: record -> record {
    let shell = ($in | update dotenv false)
    let own = ($shell | __falenv_key_id)
    if $shell.name == '' or $own == '' { return $shell }
    let files = (
        [.env .env.local] | each {|name| $env.PWD | path join $name} | where {|file| ($file | path type) == file}
    )
    let found = ($files | each {|file| [...(__falenv_look_at $file) $own] | str join ':'} | str join ':')
    if $found == '' or $found in $shell.asked { return $shell }
    let ran = (
        with-env {FAL_KEY: $shell.vars.FAL_KEY} {
            '' | ^$__falenv_python -I $__falenv_main profile dotenv ...$files
        } | complete
    )
    print --stderr --no-newline --raw $ran.stderr
    $shell | update asked ($shell.asked | append $found)
}

# `use --for` holds until FALENV_UNTIL (core.sh). If that time has come, follow the pin that then holds.
def __falenv_check_time []: record -> record {
    let shell = $in
    let until = ($shell | __falenv_get FALENV_UNTIL)
    if $until == '' { return $shell }
    let untimed = ($shell | __falenv_unset [FALENV_UNTIL FALENV_AFTER])
    # A pin that someone has set since has no end.
    if ($shell | __falenv_get FAL_PROFILE) != $shell.pin { return $untimed }
    let now = ((date now | into int) // 1_000_000_000)
    if $until =~ '^[1-9]\d{0,9}$' and $now < ($until | into int) { return $shell }
    let after = ($shell | __falenv_get FALENV_AFTER)
    let pin = if $after == '' { null } else { $after }
    let untimed = if $after == $__falenv_nobody { $untimed | __falenv_keep [FAL_HOME_DIR] } else { $untimed }
    print --stderr $__falenv_time_over
    $untimed | __falenv_set {FAL_PROFILE: $pin} | update pin $after | __falenv_follow switch
}

# The hook's slow part: something is not as it was at the last prompt.
def __falenv_catch_up []: record -> record {
    let shell = ($in | __falenv_check_time)
    let is_switched = (
        ($shell | __falenv_get FAL_PROFILE) != $shell.pin
        or ($shell | __falenv_get FALENV_PROFILE) != $shell.marked
        or (__falenv_where) != $shell.where
    )
    mut shell = if $is_switched {
        $shell | __falenv_follow switch
    } else if ($shell | __falenv_is_outdated) {
        $shell | __falenv_follow change
    } else {
        $shell | __falenv_look
    }
    $shell = ($shell | __falenv_set_mark | __falenv_tell_aside)
    if $shell.dotenv { $shell = ($shell | __falenv_check_dotenv) }
    $shell | update segment ($shell | __falenv_fill_segment)
}

# Run before each prompt. Most prompts end after a few comparisons and the hash of the store.
def --env __falenv_hook [] {
    if $env.__falenv? == null { return }
    if false in ([$__falenv_exe $__falenv_main] | path exists) {
        print --stderr $__falenv_gone
        __falenv_remove $env.__falenv
        return
    }
    let shell = $env.__falenv
    let is_idle = (
        $env.FALENV_UNTIL? == null and (__falenv_around) == $shell.around and not ($shell | __falenv_is_outdated)
    )
    if $is_idle and (__falenv_has_places $shell) { return }
    let code = $env.LAST_EXIT_CODE?
    if not $is_idle {
        # Whatever happens, say it in one line, and not again at the next prompt.
        try {
            __falenv_become (__falenv_shell | __falenv_catch_up)
        } catch {|error|
            print --stderr $"falenv: ($error.msg)"
        }
    }
    __falenv_place
    $env.__falenv.around = (__falenv_around)
    if $code != null { $env.LAST_EXIT_CODE = $code }
}

# A new shell gets this call instead of a state, so that its code contains no key.
def __falenv_begin []: record -> record {
    let new = $in
    # `FAL_PROFILE=… nu` has no end.
    let is_same = ($new | __falenv_get FAL_PROFILE) == ($new | __falenv_get FALENV_PROFILE)
    let before = if $is_same { $new | __falenv_check_time } else { $new | __falenv_unset [FALENV_UNTIL FALENV_AFTER] }
    let is_foreign = $before.foreign == 'yes'
    let shell = ($before | update foreign (if $is_foreign { 'kept' } else { $before.foreign }) | __falenv_follow start)
    # `FAL_KEY=… nu` in an integrated shell: the user has chosen the key.
    if $is_foreign and $shell.name != '' {
        $shell | __falenv_unset $__falenv_hosts | __falenv_set {FAL_KEY: $before.vars.FAL_KEY} | __falenv_set_mark
    } else {
        $shell
    }
}

# --- The segment ----------------------------------------------------------------------------------

# Return format $form filled in; empty without a profile.
def __falenv_fill [form: string]: record -> string {
    let shell = $in
    if $shell.name == '' { return '' }
    let mark = ($shell | __falenv_get FALENV_MARK)
    mut form = $form
    # The mark of a shell that the user has touched shows in any format.
    if $mark == $__falenv_mark_touched and '{mark}' not-in $form {
        $form = if '{name}' in $form {
            $form | str replace '{name}' '{name}{mark}'
        } else {
            $"{mark}($form)"
        }
    }
    # The name last: what it contains is not filled in again.
    let text = (
        $form
        | str replace --all '{why}' $shell.why
        | str replace --all '{mark}' $mark
        | str replace --all '{name}' $shell.shown
    )
    let locales = ([$env.LC_ALL? $env.LC_CTYPE? $env.LANG?] | where {|value| $value not-in [null '']})
    let locale = ($locales | append '' | first)
    # Without a UTF-8 locale nobody knows how wide the terminal draws other characters.
    if $locale =~ '(?i)utf-?8' { $text } else { $text | str replace --all --regex '[^\x20-\x7e]' '?' }
}

def __falenv_fill_segment []: record -> string {
    let shell = $in
    let form = ($env.FALENV_PROMPT? | default '')
    if $__falenv_segment_off != '' or $form == off { return '' }
    let text = ($shell | __falenv_fill (if $form == '' { $__falenv_format } else { $form }))
    if $text == '' or ($env.NO_COLOR? | default '') != '' or ($env.TERM? | default '') in ['' dumb] { return $text }
    $"\u{1b}[($shell.sgr)m($text)\u{1b}[22;39m"
}

# Print the active profile in a format, for the user's own prompt.
export def falenv_prompt [format?: string]: nothing -> string {
    let form = ($format | default ($env.FALENV_PROMPT? | default ''))
    if $env.__falenv? == null or ($format == null and $form == off) { return '' }
    __falenv_shell | __falenv_fill (if $form == '' { $__falenv_format } else { $form })
}

# Draw the segment, then the user's prompt.
def __falenv_draw []: nothing -> string {
    let users = $env.__falenv?.prompt?
    let text = if ($users | describe) == closure { do $users } else { $users | default $env.PWD }
    $"($env.__falenv?.segment? | default '')($text)"
}

# --- Installing, once however often a shell reads this --------------------------------------------

def __falenv_is_hook [hook] { ($hook | describe) =~ '^record' and '__falenv_hook' in $hook }

# Return a list of hooks without falenv's. One hook may stand without a list.
def __falenv_without_hook [hooks] {
    let hooks = if $hooks == null { [] } else if ($hooks | describe) =~ '^(list|table)' { $hooks } else { [$hooks] }
    $hooks | where {|hook| not (__falenv_is_hook $hook)}
}

# Return the text of a prompt that is a closure.
def __falenv_source [prompt] { if ($prompt | describe) == closure { view source $prompt } else { '' } }

# True if the segment is in the prompt, whoever has set that meanwhile, or if another program draws it.
def __falenv_has_segment [shell: record]: nothing -> bool {
    if $__falenv_segment_off != '' { return true }
    let source = (__falenv_source $env.PROMPT_COMMAND?)
    if $source in ['{|| __falenv_draw }' $shell.left_alone] { return true }
    false
}

# True if the segment is in its place, and the hook behind all others.
def __falenv_has_places [shell: record]: nothing -> bool {
    (__falenv_has_segment $shell) and (__falenv_is_hook ($env.config.hooks.pre_prompt? | default [null] | last))
}

# Put the segment and the hook in their places. direnv's hook changes what falenv's looks at.
def --env __falenv_place [] {
    if not (__falenv_has_segment $env.__falenv) {
        let prompt = $env.PROMPT_COMMAND?
        let source = (__falenv_source $prompt)
        # starship and oh-my-posh draw the whole prompt. falenv_prompt in it has its own place.
        let both = $"($source)(__falenv_source $env.PROMPT_COMMAND_RIGHT?)"
        if 'STARSHIP_SHELL' in $env or $both =~ 'starship|oh-my-posh|falenv_prompt' {
            $env.__falenv.left_alone = $source
        } else {
            $env.__falenv.prompt = $prompt
            $env.PROMPT_COMMAND = {|| __falenv_draw }
        }
    }
    let hooks = $env.config.hooks?.pre_prompt?
    if not (__falenv_is_hook ($hooks | default [null] | last)) {
        let own = {__falenv_hook: true, code: {|| __falenv_hook }}
        let changes = $env.config.hooks?.env_change? | default {}
        # nushell runs those of env_change behind those of pre_prompt.
        $env.config.hooks = ($env.config.hooks? | default {} | merge {
            pre_prompt: (__falenv_without_hook $hooks | append $own)
            env_change: ($changes | upsert PWD (__falenv_without_hook $changes.PWD? | append $own))
        })
    }
}

export def --env __falenv_load [state: string] {
    if false in ([$__falenv_exe $__falenv_main] | path exists) { return }
    let is_new = ($env.__falenv? | describe) !~ '^record'
    if $is_new {
        $env.__falenv = {
            old: {}, pin: '', marked: '', where: '', around: null, seen: null, links: [], chain: []
            pwd: null, name: '', shown: '', why: '', sgr: '', id: '', ours: '', store: '', index: ''
            guard: '', foreign: '', before: null, aside: [], told_aside: []
            dotenv: false, asked: [], segment: '', suffix: '', prompt: null, left_alone: null
        }
    }
    let shell = (__falenv_shell)
    let shell = if $is_new { $shell | __falenv_keep_all } else { $shell | __falenv_keep_pin }
    __falenv_become ($shell | __falenv_take $state)
    if $nu.is-interactive {
        # A file that is read again brings other code.
        $env.config.hooks.pre_prompt = (__falenv_without_hook $env.config.hooks?.pre_prompt?)
        __falenv_place
    }
}

# --- The command ----------------------------------------------------------------------------------

# Run `fal profile …` by the program. Without anything piped into it, it has the terminal.
def __falenv_program [shell: record, args: list] {
    let piped = $in
    mut told = {
        __falenv_shell: live
        __falenv_store_shown: $shell.store
        __falenv_own_key_id: (__falenv_id $shell.old.FAL_KEY)
    }
    if '--from-env' in $args and $shell.name != '' and ($shell | __falenv_is_untouched) {
        # The user means the key from before falenv.
        $told = ($told | merge {
            FALENV_KEY_ID: ''
            FAL_KEY: ($shell.old.FAL_KEY? | default '')
            FAL_KEY_ID: ($shell.old.FAL_KEY_ID? | default '')
            FAL_KEY_SECRET: ($shell.old.FAL_KEY_SECRET? | default '')
        })
    }
    with-env $told {
        if $piped == null { ^$__falenv_exe profile ...$args } else { $piped | ^$__falenv_exe profile ...$args }
    }
}

# Return the options among the words behind `use`, and the other words. All words behind -- are names.
def __falenv_use_options [words: list<string>] {
    if ($words | length) == 1 { return {words: $words, yes: false, for: ''} }
    mut left = $words
    mut names = []
    mut yes = false
    mut for = ''
    while $left != [] {
        let word = $left.0
        $left = ($left | skip 1)
        if $word == '--yes' {
            $yes = true
        } else if $word == '--for' and $left != [] {
            $for = (if $left.0 == '' { '0' } else { $left.0 }) # an empty time counts as zero
            $left = ($left | skip 1)
        } else if $word starts-with '--for=' {
            $for = (if $word == '--for=' { '0' } else { $word | str substring 6.. })
        } else if $word == '--' {
            $names = [...$names $word ...$left]
            $left = []
        } else {
            $names = ($names | append $word)
        }
    }
    {words: $names, yes: $yes, for: $for}
}

# Return for which profile the words behind `use` are, empty for the default. null: the program explains.
def __falenv_wanted [shell: record, words: list<string>] {
    match $words {
        ['--default'] => ''
        ['--none'] => $__falenv_nobody
        ['-'] => $shell.before
        ['--' $name] if $name != '' => $name
        [$name] if $name not-in ['' $__falenv_nobody] and not ($name starts-with '-') => $name
        _ => null
    }
}

# use NAME, use -, use --default, use --none: pin this shell, go back, follow the default, have no
# credentials. If the program refuses, its exit code ends the command, and the shell does not change.
def __falenv_use [to: string, options: record]: record -> record {
    let shell = ($in | __falenv_keep_pin | __falenv_look)
    let had_none = ($shell | __falenv_get FALENV_NONE) != ''
    let pin = ($shell | __falenv_users_pin)
    let was_timed = ($shell | __falenv_get FALENV_UNTIL) != ''
    let shell = if $options.for == '' { $shell | __falenv_unset [FALENV_UNTIL FALENV_AFTER] } else { $shell }
    let flags = [
        --use ...(if $options.yes { [--yes] } else { [] })
        ...(if $options.for == '' { [] } else { [$"--duration=($options.for)"] })
    ]
    let state = (__falenv_refresh $shell $to $flags)
    if $to == $__falenv_nobody {
        let shell = if $had_none { $shell } else { $shell | __falenv_keep [FAL_HOME_DIR] }
        return ($shell | __falenv_move $state | update before $pin)
    }
    let shell = ($shell | __falenv_unset [FALENV_NONE] | __falenv_move $state)
    # While one time runs, another begins: afterwards holds what held before both.
    let is_first = ($options.for != '' and not $was_timed and $pin != '')
    let shell = if $is_first { $shell | __falenv_set {FALENV_AFTER: $pin} } else { $shell }
    let shell = if $had_none { $shell | __falenv_restore [FAL_HOME_DIR] } else { $shell }
    $shell
    | merge {before: $pin, guard: ''}
    | __falenv_set {FAL_PROFILE: (if $to == '' { null } else { $to })}
    | __falenv_note_state
    | __falenv_tell_aside
}

# Command $command was done. Follow a switch. After an edit take the new key and host of this shell's
# profile. Nothing else changes the shell before its next prompt.
def __falenv_after_command [command: string]: record -> record {
    let shell = $in
    if $" ($command) " in $__falenv_switches {
        $shell | __falenv_follow switch | __falenv_tell_aside
    } else if $shell.name != '' and ($shell | __falenv_is_untouched) {
        # It does not pin the shell. The next prompt follows a switch made meanwhile.
        let state = (__falenv_refresh $shell $shell.name [])
        $shell | __falenv_move $state | merge ($shell | select why guard index seen) | __falenv_note_state
    } else {
        $shell
    }
}

def --env __falenv_profile [args: list] {
    let piped = $in
    let words = ($args | each {|word| $word | into string})
    let command = ($words | append '' | first)
    if $words == ['off'] { return (__falenv_off) }
    let shell = (__falenv_shell)
    let options = (__falenv_use_options ($words | skip 1))
    let to = if $command == use { __falenv_wanted $shell $options.words } else { null }
    let is_name = ($to not-in [null '' $__falenv_nobody] and $options.words.0 != '-')
    # Only a name can be used for a time.
    if $to != null and ($options.for == '' or $is_name) {
        __falenv_become ($shell | __falenv_use $to $options)
        # Only the program can tell what direnv has set here.
        if 'DIRENV_DIR' in $env { with-env {__falenv_shell: 'done'} { ^$__falenv_exe profile ...$args } }
        return
    }
    # Only a command at the end of a block gets the terminal, or the pipe, that its caller has. So the
    # commands that change a shell have a pipe, and what they print is shown later. To a terminal,
    # the program prints no key.
    if $" ($command) " in $"($__falenv_switches)($__falenv_edits)" and '--print' not-in $words {
        let said = ($piped | __falenv_program $shell $args)
        __falenv_become ($shell | __falenv_after_command $command)
        return (if $said == '' { null } else { $said })
    }
    $piped | __falenv_program $shell $args
}

# Run a command that is not `profile`: by the user's own command of that name, or by the program.
def --wrapped __falenv_other [name: string, ...args] {
    let users = (scope aliases | where name == $"__falenv_users_($name)" | get 0?.aliased_decl_id?)
    if $name == falenv {
        ^$__falenv_exe ...$args
    } else if $users == null {
        ^$__falenv_exe -- ...$args
    } else {
        __falenv_users_fal ...$args
    }
}

# --- The way out ----------------------------------------------------------------------------------

# Take falenv out of this shell, and restore what the shell had before.
def --env __falenv_off [] {
    let shell = (__falenv_shell | __falenv_keep_pin)
    # A key that the user has set since stays.
    let own = if ($shell | __falenv_key_id) == $shell.id { [] } else { [FAL_KEY] }
    let names = if $shell.why == 'none' { [FAL_PROFILE] } else { [...(__falenv_variables) FAL_PROFILE] }
    let home = if ($shell | __falenv_get FALENV_NONE) == '' { [] } else { [FAL_HOME_DIR] }
    let shell = (
        $shell
        | __falenv_restore [...($names | where {|name| $name not-in $own}) ...$home]
        | __falenv_unset [FALENV_NONE FALENV_KEPT_ID FALENV_UNTIL FALENV_AFTER]
    )
    __falenv_become $shell
    __falenv_remove $shell
}

# nushell cannot take a command back. Without the record, `fal` and `falenv` do what they did before.
def --env __falenv_remove [shell: record] {
    if (__falenv_source $env.PROMPT_COMMAND?) == '{|| __falenv_draw }' { $env.PROMPT_COMMAND = $shell.prompt }
    if $nu.is-interactive {
        $env.config.hooks.pre_prompt = (__falenv_without_hook $env.config.hooks.pre_prompt?)
        $env.config.hooks.env_change.PWD = (__falenv_without_hook $env.config.hooks.env_change.PWD?)
    }
    $env.__falenv = null
}

# --- Completions ----------------------------------------------------------------------------------

# Return the profiles that the index has. It says no more than their names.
def __falenv_names []: nothing -> list<string> {
    let index = ($env.__falenv?.index? | default '')
    if $index == '' or not ($index | path exists) { return [] }
    %open --raw $index | decode utf-8 | lines | skip 1 | each { split row --number 2 ' ' | get 1 }
}

# What nushell offers behind `fal profile`. A test compares these with the program's own commands.
const __falenv_commands = [
    [value description];
    [list 'List all profiles']
    [set 'Set the default profile']
    [unset 'Unset the default profile']
    [key 'Set the key of a profile']
    [host 'Set the fal host of a profile']
    [create 'Create a profile and make it the default']
    [delete 'Delete a profile and its key']
    [protect 'Ask before a command uses or changes a profile']
    [env 'Print the code that loads falenv into a shell']
    [use 'Pin this shell to a profile']
    [off 'Remove falenv from this shell']
    [on 'Load falenv into this shell again, after off']
    [current 'Show which profile is active here, and why']
    [exec 'Run one command with a profile']
    [prompt 'Print the active profile, formatted for a prompt']
    [completion 'Print the completion script of a shell']
    [rename 'Give a profile another name']
    [edit 'Edit the store in your editor, and check it before saving']
    [import 'Import profiles from an .env file or another store']
    [export 'Write profiles to a file that import reads']
    [link 'Use a profile in this folder and below']
    [unlink 'Remove the .fal-profile of this folder']
    [allow 'Follow the nearest .fal-profile']
    [deny 'Ignore the nearest .fal-profile']
    [verify 'Ask fal whose key it is']
    [doctor 'Find what is wrong here, and how to fix it']
    [install 'Load falenv into every new shell']
    [uninstall 'Remove what install has added']
]
const __falenv_options = [
    [command value description];
    [list '--json' 'Print JSON']
    [set '--yes' 'Do not ask about a protected profile']
    [set '--json' 'Print JSON']
    [unset '--yes' 'Do not ask about a protected profile']
    [unset '--json' 'Print JSON']
    [key '--stdin' 'Read the key from standard input']
    [key '--from-env' 'Take your own key from the environment']
    [key '--command' 'Get the key from the command that follows']
    [key '--keyring' 'Move the key into the keyring of the system']
    [key '--inline' 'Move the key into the store']
    [key '--print' 'Print the key, but never to a terminal']
    [key '--yes' 'Set the key without asking']
    [key '--json' 'Print JSON']
    [host '--profile' 'Change this profile']
    [host '--unset' 'Remove the host from the profile']
    [host '--force' 'Accept a host that fal does not own']
    [host '--yes' 'Do not ask about a protected profile']
    [host '--json' 'Print JSON']
    [create '--json' 'Print JSON']
    [delete '--yes' 'Delete without asking']
    [delete '--json' 'Print JSON']
    [protect '--exec-only' 'Keep the key out of shells instead']
    [protect '--off' 'Undo this']
    [protect '--yes' 'Do not ask about a protected profile']
    [protect '--json' 'Print JSON']
    [env '--shell' 'Print code for this shell']
    [env '--exports-only' 'Print only the exports']
    [env '--format' 'Print the variables for another program']
    [env '--unset' 'Print code that unsets the variables']
    [env '--no-prompt' 'Do not show the profile in the prompt']
    [use '--default' 'Follow the default again']
    [use '--none' 'Have no fal credentials in this shell']
    [use '--for' 'Go back after 90s, 30m or 8h']
    [use '--yes' 'Use a protected profile without asking']
    [current '--json' 'Print JSON']
    [current '--name' 'Print only the name']
    [current '--explain' 'Show each step, and what each client uses']
    [exec '--none' 'Run it without any fal credentials']
    [exec '--yes' 'Use a protected profile without asking']
    [exec '-e' 'Stop at the first failure']
    [exec '--exit' 'Stop at the first failure']
    [rename '--yes' 'Do not ask about a protected profile']
    [rename '--json' 'Print JSON']
    [edit '--yes' 'Do not ask about a protected profile']
    [edit '--json' 'Print JSON']
    [import '--from-env' 'Take your own key from the environment']
    [import '--replace' 'Replace the key and host of existing profiles']
    [import '--allow-host' 'Accept a host that fal does not own']
    [import '--yes' 'Do not ask about a protected profile']
    [import '--json' 'Print JSON']
    [export '--no-keys' 'Leave out the keys, for a team']
    [export '--output' 'Write a private file']
    [export '--format' 'Print the variables for another program']
    [export '--replace' 'Replace FILE if it exists']
    [export '--json' 'Print JSON']
    [link '--yes' 'Do not ask about a protected profile']
    [link '--json' 'Print JSON']
    [unlink '--json' 'Print JSON']
    [allow '--store' 'Run the key commands of this store']
    [allow '--yes' 'Allow them without asking']
    [allow '--json' 'Print JSON']
    [deny '--store' 'Run no key command of this store']
    [deny '--json' 'Print JSON']
    [verify '--all' 'Verify all profiles']
    [verify '--json' 'Print JSON']
    [doctor '--fix' "Repair modes and falenv's own lines"]
    [doctor '--network' 'Also ask fal about the active key']
    [doctor '--json' 'Print JSON']
    [install '--json' 'Print JSON']
    [install '--yes' 'Make the change without asking']
    [install '--dry-run' 'Show the change, but do not make it']
    [uninstall '--json' 'Print JSON']
    [uninstall '--yes' 'Make the change without asking']
    [uninstall '--dry-run' 'Show the change, but do not make it']
]
const __falenv_named = [env use set unset key delete rename link exec]
const __falenv_shells = [bash dash fish ksh mksh nu sh zsh]
const __falenv_targets = [bash direnv fish nu zsh]

# Return what can stand in the place of the last word of a line; null where nushell completes files.
def __falenv_offer [words: list<string>] {
    let before = ($words | skip 1 | drop 1)
    if $before == [] {
        return [{value: profile, description: 'Keep a profile per fal.ai account and switch between them'}]
    }
    if $before.0 not-in [profile profiles] { return null }
    if ($before | length) == 1 { return $__falenv_commands }
    let command = $before.1
    if ($words | last) starts-with '-' {
        $__falenv_options
        | where command == $command
        | reject command
        | append {value: '--help', description: 'Show this message and exit'}
    } else if ($before | last) == '--shell' {
        $__falenv_shells | wrap value
    } else if ($before | last) == '--profile' or ($command in $__falenv_named and ($before | length) == 2) or $command in [verify export] {
        __falenv_names | each {|name| {value: $name, description: Profile}}
    } else if $command in [install uninstall] {
        $__falenv_targets | wrap value
    }
}

# Complete the words of a line with `fal` or `falenv`.
def __falenv_complete [words: list<string>] {
    if $env.__falenv? == null { return null }
    let offered = (__falenv_offer $words)
    if $offered == null { return null }
    let typed = ($words | last)
    $offered
    | where {|row| $row.value starts-with $typed}
    | each {|row| $row | update value (if $row.value =~ '^[\w.-]+$' { $row.value } else { $row.value | to nuon })}
}

# fal, with the profile commands acting on this shell
@complete __falenv_complete
export def --env --wrapped fal [...args] {
    if $env.__falenv? == null or not ($__falenv_exe | path exists) {
        __falenv_users_fal ...$args
    } else if ($args | append '' | first) in [profile profiles] {
        __falenv_profile ($args | skip 1)
    } else {
        __falenv_other fal ...$args
    }
}

# falenv, with the profile commands acting on this shell
@complete __falenv_complete
export def --env --wrapped falenv [...args] {
    if $env.__falenv? == null or not ($__falenv_exe | path exists) {
        __falenv_users_falenv ...$args
    } else if ($args | append '' | first) in [profile profiles] {
        __falenv_profile ($args | skip 1)
    } else {
        __falenv_other falenv ...$args
    }
}
}
use __falenv_module *
