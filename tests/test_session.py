"""A long day in one shell: a seeded random walk through what a user does there, step by step.

After each step a model says what the next prompt must be: its one segment, the key that a program
gets, `$?`, the one hook, and nothing else on the screen.
"""

from __future__ import annotations

import os
import random
import re
import time
import venv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from conftest import LONG, seed
from driver import PROMPT, UNSET, needs
from test_direnv import DIRENV, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Kind, Shell

STEPS = 300 if LONG else 25
#: Seconds that a command may take on a busy machine.
PATIENCE = 120
#: How long the long form goes on with further seeds, for each shell.
MINUTES = float(os.environ.get("FALENV_SESSION_MINUTES") or 5)
NAMES = ("a", "b", "c")
#: FAL_PROFILE after `use --none`.
NOBODY = "__internal__"
#: Values of FALENV_PROMPT, and what a profile with a name and a mark shows then.
FORMATS: dict[str, Callable[[str, str], str]] = {
    "": lambda name, mark: f"(fal:{name}{mark}) ",
    "<{mark}{name}> ": lambda name, mark: f"<{mark}{name}> ",
    "{name}: ": lambda name, mark: f"{name}{mark.strip('*/')}: ",
    "off": lambda *_: "",
}
#: A line that falenv may say, or not.
SAID = r"(\n?falenv: [^\n]*)?"

#: What stands in a file that prints `$?`, what a program started here gets, and the hooks.
CHECKS = {
    "bash": 'printf "%s\\n" "$?"; env; printf "%s\\n" HOOKS "${PROMPT_COMMAND[*]-}"',
    "zsh": (
        'print -r -- "$?"; env; print -rl -- HOOKS "${precmd_functions[@]}" "${chpwd_functions[@]}"'
    ),
    "fish": "echo $status; env; echo HOOKS; functions --handlers | string match '*falenv*'; true",
}
#: What the hooks of one integration look like there.
HOOKS = {
    "bash": r'"\$\{__falenv_run:-:\}" && _=|\$\{__falenv_after\+"\$__falenv_after"\}',
    "zsh": r"(?m)^__falenv_hook(_chpwd)?$",
    "fish": r"(?m)^\S*.*__falenv_\w+$",
}
HOOK_COUNT = {"bash": 1, "zsh": 2, "fish": 4}

#: Options and settings, each with what takes it back.
OPTIONS = {
    "bash": {
        "set -u": "set +u",
        "set -e": "set +e",
        "set -a": "set +a",
        "set -f": "set +f",
        "set -T": "set +T",
        "set -E": "set +E",
        "set -o posix": "set +o posix",
        "set -o pipefail": "set +o pipefail",
        "shopt -s nocasematch": "shopt -u nocasematch",
        "shopt -s extglob": "shopt -u extglob",
        "shopt -s failglob": "shopt -u failglob",
        "shopt -s nullglob": "shopt -u nullglob",
        "shopt -s dotglob": "shopt -u dotglob",
        "shopt -u promptvars": "shopt -s promptvars",
        "IFS=:x": "unset IFS",
        "trap ': debug' DEBUG": "trap - DEBUG",
        "trap ': error' ERR": "trap - ERR",
        "GLOBIGNORE='*'": "unset GLOBIGNORE",
        "export NO_COLOR=1": "unset NO_COLOR",
    },
    "zsh": {
        "setopt ksh_arrays": "unsetopt ksh_arrays",
        "setopt no_unset": "unsetopt no_unset",
        "setopt prompt_subst": "unsetopt prompt_subst",
        "setopt prompt_bang": "unsetopt prompt_bang",
        "setopt extended_glob": "unsetopt extended_glob",
        "setopt sh_word_split": "unsetopt sh_word_split",
        "setopt glob_subst": "unsetopt glob_subst",
        "setopt null_glob": "unsetopt null_glob",
        "setopt err_return": "unsetopt err_return",
        "setopt err_exit": "unsetopt err_exit",
        "setopt all_export": "unsetopt all_export",
        "setopt warn_create_global": "unsetopt warn_create_global",
        "setopt warn_nested_var": "unsetopt warn_nested_var",
        "setopt ksh_glob": "unsetopt ksh_glob",
        "setopt no_match": "unsetopt no_match",
        "setopt no_short_loops": "unsetopt no_short_loops",
        "setopt posix_builtins": "unsetopt posix_builtins",
        "setopt local_options": "unsetopt local_options",
        "IFS=:x": "unset IFS",
        "psvar=(x y)": "psvar=()",
        "TRAPDEBUG() { : }": "unfunction TRAPDEBUG",
        "export NO_COLOR=1": "unset NO_COLOR",
    },
    "fish": {
        "fish_vi_key_bindings": "fish_default_key_bindings",
        "set -g IFS :": "set -e IFS",
        "function fish_right_prompt; end": "functions -e fish_right_prompt",
        "function hook --on-event fish_prompt; false; end": "functions -e hook",
        "function source; builtin source $argv; end": "functions -e source",
        "set -gx NO_COLOR 1": "set -e NO_COLOR",
        "set -gx LC_ALL C.UTF-8": "set -e LC_ALL",
    },
}
#: Edits of the hooks that other tools make.
HOOK_EDITS = {
    "bash": (
        'PROMPT_COMMAND="${PROMPT_COMMAND%;}; :"',
        'PROMPT_COMMAND=": ; $PROMPT_COMMAND"',
        "PROMPT_COMMAND=$'users=1\\n'\"$PROMPT_COMMAND\"",
        'PROMPT_COMMAND+=("true")',
        'PROMPT_COMMAND="$PROMPT_COMMAND history -a /dev/null"',
    ),
    "zsh": (
        "other() { false }; precmd_functions+=(other)",
        "other() { true }; precmd_functions=(other $precmd_functions)",
        "other() { psvar=(1 2 3) }; precmd_functions+=(other)",
        "chpwd_functions+=(true)",
        "precmd() { : }",
    ),
    "fish": (
        "function other --on-event fish_prompt; true; end",
        "functions -q old; or functions -c fish_prompt old && function fish_prompt; old; end",
        "function fish_mode_prompt; end",
    ),
}


class Step(Exception):  # noqa: N818 - no fault of a program
    """This step makes no sense here."""


@dataclass
class Now:
    """What the shell must be at its next prompt."""

    keys: dict[str, str]
    default: str = "a"
    place: str = "home"
    is_on: bool = True
    #: FAL_PROFILE, what the user last had there himself, and what `use -` goes back to.
    pin: str = ""
    own_pin: str = ""
    before: str | None = None
    is_none: bool = False
    #: FAL_KEY from before falenv.
    own: str = UNSET
    #: FAL_KEY as the user has left it since.
    hand: str | None = None
    rivals: list[str] = field(default_factory=list)
    #: Name and key of the profile that was active when the user touched a variable.
    stopped: tuple[str, str] | None = None
    venv: str | None = None
    label: str = ""
    form: str = ""
    options: list[str] = field(default_factory=list)
    has_lost_hook: bool = False
    #: fish: whether the prompt shows the mode of vi, and whether the user has replaced what does.
    shows_mode: bool = False
    has_own_mode: bool = False
    #: Pin, falenv's key, name and the user's key before direnv's folder.
    outside: tuple[str, str, str, str | None] | None = None

    def active(self) -> tuple[str, str]:
        """Return name and mark of the profile that the shell would follow."""
        if self.is_none:
            return "", ""
        if self.pin:
            return self.pin, "*"
        if self.place == "linked":
            return "c", "/"
        return self.default, ""

    def shown(self) -> tuple[str, str]:
        if not self.is_on:
            return "", ""
        return (self.stopped[0], "!") if self.stopped else self.active()

    def key(self) -> str:
        if self.hand is not None:
            return self.hand
        if not self.is_on:
            return self.own
        if self.stopped:
            return self.stopped[1]
        name, _ = self.active()
        return self.keys[name] if name else UNSET

    def active_key(self) -> str:
        """Return the key that falenv has set last."""
        return self.stopped[1] if self.stopped else self.keys[self.active()[0]]

    def touch(self) -> None:
        """Note that the user has changed one of the variables, or has put it back."""
        if not self.stopped:
            name, _ = self.active()
            self.stopped = name, self.keys[name]
        if self.hand == self.stopped[1]:
            self.hand = None
        if not self.rivals and self.hand is None:
            self.follow()

    def follow(self) -> None:
        """Note that the shell has taken over what the user had set."""
        self.hand, self.rivals, self.stopped = None, [], None


class Session:
    """One shell, its model, and what a user may do there."""

    def __init__(self, home: Home, start: Callable[..., Shell], kind: Kind, begin: int) -> None:
        self.chance = random.Random(begin)
        self.kind, self.home = kind, home
        self.count = begin % 1000
        self.now = Now({name: self.new_key(name) for name in NAMES})
        self.steps: list[str] = []
        self.write()
        self.folders = {
            "home": home.path,
            "unlinked": home.path / "plain" / "deep",
            "linked": home.path.parent / "linked" / "below",
            "direnv": home.path.parent / "project",
        }
        self.folders["unlinked"].mkdir(parents=True)
        self.folders["linked"].mkdir(parents=True)
        above = self.folders["linked"].parent
        (above / ".fal-profile").write_text("c\n")
        done = home.run("sh", "-c", 'cd "$0" && fal profile allow', str(above))
        assert done.returncode == 0, done.stderr
        how = self.chance.choice(["fal profile env a", "fal profile env a --exports-only"])
        project(home, f'eval "$({how})"\n')
        self.check = home.path.parent / "check"
        self.check.write_text(CHECKS[kind.name] + "\n")
        self.venv = home.path.parent / "venv"
        venv.create(self.venv, with_pip=False)
        variables = {"DIRENV_LOG_FORMAT": "", "DIRENV_WARN_TIMEOUT": "10m", "SHELL": needs("bash")}
        if self.chance.random() < 0.5:
            self.now.own = variables["FAL_KEY"] = self.new_key("own")
        rc = [kind.eval_line(), DIRENV[kind.name]]
        self.chance.shuffle(rc)
        self.shell = start(kind, "\n".join(rc), seconds=PATIENCE, **variables)
        self.shell.segments = r".*"
        assert self.shell.greeting == ""

    # The walk.

    def walk(self, count: int) -> None:
        actions = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")]
        self.look()
        done = 0
        while done < count:
            before = len(self.steps)
            try:
                status = self.chance.choice(actions)()
            except Step:
                assert len(self.steps) == before
                continue
            self.look(status)
            done += 1

    def look(self, status: int | None = 0) -> None:
        """Compare what the user and a program see with the model."""
        name, mark = self.now.shown()
        drawn = self.shell.segment
        file = self.check.with_name(f"seen-{time.monotonic_ns()}")
        assert self.shell.talk(f" . {self.check} > {file}", PATIENCE) == ""
        lines = file.read_text().splitlines()
        split = lines.index("HOOKS")
        exported = dict(line.split("=", 1) for line in lines[1:split] if "=" in line)
        if status is not None:
            assert lines[0] == str(status)
        pin = NOBODY if self.now.is_none else self.now.pin or UNSET
        expected = [self.now.key(), pin, name or UNSET, mark or UNSET]
        names = ("FAL_KEY", "FAL_PROFILE", "FALENV_PROFILE", "FALENV_MARK")
        assert [exported.get(name, UNSET) for name in names] == expected, drawn
        rest = drawn
        for part in (
            FORMATS[self.now.form](name, mark) if name else "",
            self.now.label,
            "(venv) " if self.now.venv is not None else "",
            "[I] " if self.now.shows_mode else "",
        ):
            assert part in rest, drawn
            rest = rest.replace(part, "", 1)
        assert rest == "", drawn
        hooks = re.findall(HOOKS[self.kind.name], "\n".join(lines[split + 1 :]))
        count = HOOK_COUNT[self.kind.name] if self.now.is_on else 0
        assert len(hooks) == len(set(hooks)) == count, lines[split + 1 :]

    def say(self, line: str, expected: str = "") -> None:
        """Type a line, which must show what a pattern says."""
        self.steps.append(line or "<return>")
        said = self.shell.talk(line, PATIENCE)
        assert re.fullmatch(expected, said), said

    def need(self, *facts: object) -> None:
        if not all(facts):
            raise Step

    def new_key(self, name: str) -> str:
        self.count += 1
        return f"{self.count:08d}-0000-4000-8000-{name:0>12}:{'fake' + name:0<32}"

    # What others do.

    def write(self) -> None:
        """Write the store as people do by hand."""
        text = f'[__internal__]\nprofile = "{self.now.default}"\n\n'
        for name, key in self.now.keys.items():
            text += self.chance.choice(["[{}]", "['{}']", "[ {} ]  # mine", '  ["{}"]']).format(
                name
            )
            spelled = self.chance.choice(['key = "{}"', "key='{}'", '\tkey\t=  "{}" # new "key"'])
            text += "\n" + spelled.format(key) + "\n"
            if self.chance.random() < 0.1:
                text = text.replace(f"{key}", "\\u0030" + key[1:]) if f'"{key}"' in text else text
        if self.chance.random() < 0.5 or not self.home.store.exists():
            self.home.write(text)
            return
        new = self.home.store.with_name("new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.home.store)

    def elsewhere(self, *words: str, stdin: str = "") -> None:
        self.steps.append(f"<elsewhere> fal profile {' '.join(words)}")
        code, _, err = self.home.here("profile", *words, stdin=stdin)
        assert code == 0, err
        self.say("")

    def do_set_elsewhere(self) -> int:
        self.now.default = self.chance.choice(NAMES)
        self.elsewhere("set", self.now.default)
        return 0

    def do_key_elsewhere(self) -> int:
        name = self.chance.choice((self.now.active()[0] or "a", *NAMES))
        self.now.keys[name] = self.new_key(name)
        self.elsewhere("key", name, "--stdin", stdin=self.now.keys[name])
        return 0

    def do_edit_by_hand(self) -> int:
        name = self.chance.choice(NAMES)
        if self.chance.random() < 0.5:
            self.now.keys[name] = self.new_key(name)
        else:
            self.now.default = name
        self.write()
        self.steps.append(f"<by hand>\n{self.home.store.read_text()}")
        self.say("")
        return 0

    # What the user does with falenv.

    def do_use(self) -> int:
        self.need(self.now.is_on, self.now.place != "direnv")
        now = self.now
        words = self.chance.choice([*NAMES, "-", "--default", "--none"])
        self.need(words != "-" or now.before is not None, words != "--none" or not now.rivals)
        old, rivals = NOBODY if now.is_none else now.pin, now.rivals
        to = {"-": now.before or "", "--default": "", "--none": NOBODY}.get(words, words)
        if not to == old == NOBODY:
            now.before = old
        now.follow()
        now.is_none = to == NOBODY
        now.pin = "" if now.is_none else to
        self.say(f"fal profile use {words}", SAID if rivals else "")
        return 0

    def do_set(self) -> int:
        self.need(self.now.is_on, not self.now.is_none, not self.now.has_lost_hook)
        self.now.default = self.chance.choice(NAMES)
        self.now.follow()
        extra = SAID + SAID
        self.say(
            f"fal profile set {self.now.default}",
            rf"Default profile set to {self.now.default}\.{extra}",
        )
        return 0

    def do_key(self) -> int:
        self.need(self.now.is_on, not self.now.has_lost_hook)
        name = self.now.shown()[0] or "a"
        key = self.now.keys[name] = self.new_key(name)
        (self.home.path / "key").write_text(key)
        self.say(f"fal profile key {name} --stdin < ~/key", rf"Key set for profile {name}\.{SAID}")
        return 0

    def do_refuse(self) -> int:
        self.need(self.now.is_on, not self.has("set -e", "setopt err_exit"))
        self.need(not self.now.has_lost_hook)
        self.say("fal profile use nosuch", r"falenv: [^\n]*'nosuch' does not exist[^\n]*")
        return 1

    def do_current(self) -> int:
        self.need(self.now.is_on)
        name, _ = self.now.shown()
        lost, self.now.has_lost_hook = self.now.has_lost_hook, False
        said = f"{SAID}\n?" if lost else ""
        self.need(name)
        self.say("fal profile current --name", said + name)
        return 0

    def do_off(self) -> int:
        self.need(self.now.is_on, self.now.place != "direnv", not self.now.has_lost_hook)
        if self.now.hand is not None:
            self.now.own = self.now.hand
        self.now.follow()
        self.now.is_on = self.now.is_none = False
        self.now.pin = self.now.own_pin
        self.say("fal profile off")
        return 0

    def do_eval(self) -> int:
        rivals = self.now.rivals
        if not self.now.is_on:
            self.now.before = None
        self.now.is_on, self.now.has_lost_hook = True, False
        self.now.follow()
        self.say(self.kind.eval_line(), SAID if rivals else "")
        return 0

    def do_exec(self) -> int:
        self.need(not self.now.rivals, not self.now.has_lost_hook)
        now = self.now
        name, _ = now.shown()
        if now.is_on:
            # What falenv has set does not belong to the user there.
            now.own = UNSET if now.hand is None else now.hand
            now.own_pin = "" if now.pin == name or now.is_none else now.pin
            # A key that is gone comes again. Another one is the user's choice.
            now.hand = None if now.hand == UNSET else now.hand
            now.stopped = None
            if now.hand is not None:
                now.touch()
        now.is_on, now.before, now.venv, now.label = True, None, None, ""
        # fish remembers the key bindings.
        now.options = [option for option in now.options if "key_bindings" in option]
        now.shows_mode, now.has_own_mode = bool(now.options), False
        files = self.quoted(self.shell.files)
        # With all_export, the next `activate` would put back the prompt that this one has kept.
        exec_ = "exec env -u _OLD_VIRTUAL_PS1"
        self.say(
            {
                "bash": f"{exec_} bash --noprofile --rcfile {files}/rc -i",
                "zsh": f"{exec_} zsh -d -i",
                "fish": "exec fish -i",
            }[self.kind.name]
        )
        return 0

    def quoted(self, path: Path) -> str:
        return self.kind.quote(str(path))

    def do_format(self) -> int:
        self.now.form = self.chance.choice(list(FORMATS))
        self.say(self.kind.export("FALENV_PROMPT", self.now.form))
        return 0

    # What the user does by hand.

    def do_cd(self) -> int:
        to = self.chance.choice(list(self.folders))
        now = self.now
        if "direnv" in {to, now.place}:
            self.need(to != now.place, now.is_on, not now.is_none, not now.rivals)
        if to == "direnv":
            now.outside = now.pin, now.active_key(), now.shown()[0], now.hand
            if (now.pin, now.shown()[0]) != ("a", "a"):
                now.own_pin = "a" if now.pin != "a" else now.own_pin
            now.pin = "a"
            now.follow()
        elif now.place == "direnv" and now.outside:
            pin, key, name, hand = now.outside
            is_switch = (pin, name, key) != (now.pin, now.shown()[0], now.active_key())
            now.follow()
            if pin != now.pin:
                now.own_pin = pin
            now.pin = pin
            if not is_switch and hand is not None:
                now.hand = hand
                now.place = to
                now.touch()
        now.place = to
        self.say(f"cd {self.quoted(self.folders[to])}")
        return 0

    def do_pin(self) -> int:
        self.need(self.now.is_on, not self.now.is_none, self.now.place != "direnv")
        name = self.chance.choice(NAMES)
        rivals = self.now.rivals
        if name != self.now.pin:
            self.now.follow()
            self.now.own_pin = name
        self.now.pin = name
        self.say(self.kind.export("FAL_PROFILE", name), SAID if rivals else "")
        return 0

    def do_unpin(self) -> int:
        self.need(self.now.is_on, not self.now.is_none, self.now.place != "direnv", self.now.pin)
        rivals = self.now.rivals
        self.now.pin = self.now.own_pin = ""
        self.now.follow()
        self.say(self.kind.unset("FAL_PROFILE"), SAID if rivals else "")
        return 0

    def do_key_by_hand(self) -> int:
        self.need(not self.now.is_none, self.now.place != "direnv")
        key = self.new_key("hand")
        if self.now.is_on:
            if self.now.stopped and self.chance.random() < 0.5:
                key = self.now.stopped[1]
            self.now.hand = key
            self.now.touch()
        else:
            self.now.own = key
        self.say(self.kind.export("FAL_KEY", key))
        return 0

    def do_remove_key(self) -> int:
        self.need(self.now.is_on, not self.now.is_none, self.now.place != "direnv")
        self.need(self.now.key() != UNSET)
        self.now.hand = UNSET
        self.now.touch()
        self.say(self.kind.unset("FAL_KEY"))
        return 0

    def do_rival(self) -> int:
        self.need(self.now.is_on, not self.now.is_none, self.now.place != "direnv")
        name = self.chance.choice(self.now.rivals or ["FAL_KEY_ID", "FAL_HOST"])
        if name in self.now.rivals:
            self.now.rivals.remove(name)
            line = self.kind.unset(name)
        else:
            self.now.rivals.append(name)
            line = self.kind.export(name, "someone's")
        self.now.touch()
        self.say(line)
        return 0

    def do_venv(self) -> int:
        if self.now.venv is None:
            self.need(not self.has("shopt -u promptvars"))
            self.now.venv = self.now.label
            end = ".fish" if self.kind.name == "fish" else ""
            self.say(f". {self.quoted(self.venv)}/bin/activate{end}")
        else:
            self.need(not self.has("shopt -u promptvars"))
            self.now.label, self.now.venv = self.now.venv, None
            self.say("deactivate")
        return 0

    def has(self, *options: str) -> bool:
        return any(option in self.now.options for option in options)

    def do_option(self) -> int:
        option, back = self.chance.choice(list(OPTIONS[self.kind.name].items()))
        self.need(self.now.venv is None or "promptvars" not in option)
        if option in self.now.options:
            self.now.options.remove(option)
            self.say(back)
        else:
            self.now.options.append(option)
            self.say(option)
        if "key_bindings" in option:
            self.now.shows_mode = option in self.now.options and not self.now.has_own_mode
        return 0

    def do_prompt(self) -> int:
        self.need(self.now.venv is None)
        self.now.label = self.chance.choice(["", "[1] ", "<x> "])
        self.say(self.kind.prompt_line(self.now.label + PROMPT))
        return 0

    def do_prefix(self) -> int:
        self.need(self.now.venv is None, not self.now.label, self.kind.name != "fish")
        self.now.label = "[2] "
        name = "PS1" if self.kind.name == "bash" else "PROMPT"
        self.say(f'{name}="[2] ${name}"')
        return 0

    def do_hooks(self) -> int:
        self.need(self.now.venv is None, self.now.is_on)
        line = self.chance.choice(HOOK_EDITS[self.kind.name])
        if "fish_mode_prompt" in line:
            self.now.has_own_mode, self.now.shows_mode = True, False
        self.say(line)
        # A function behind ours has the last word at its first prompt.
        if "psvar" in line:
            self.say("")
        return 0

    def do_return(self) -> int:
        self.say("")
        return 0

    def do_status(self) -> int:
        self.need(not self.has("set -e", "setopt err_exit"))
        code = self.chance.choice([1, 7, 130])
        self.say(f"sh -c 'exit {code}'")
        if self.chance.random() < 0.5:
            self.say("")
        return code

    def do_resize(self) -> int:
        columns = self.chance.choice([200, 300, 500])
        self.steps.append(f"<{columns} columns>")
        self.shell.child.setwinsize(40, columns)
        time.sleep(0.05)
        self.say("")
        return 0

    def do_interrupt(self) -> None:
        # direnv's hook returns the status, which ends bash then. fish loses a Ctrl-C now and then.
        self.need(not self.has("set -e"), self.kind.name != "fish")
        self.steps.append("<Ctrl-C>")
        _, column = self.shell.cursor
        text = "# half a line"
        self.shell.type(text)
        self.shell.wait(lambda: self.shell.cursor[1] == column + len(text), "the line", PATIENCE)
        assert self.shell.press("\x03", PATIENCE) == ""


@pytest.mark.fire
def test_a_day_in_one_shell(
    home: Home, start: Callable[..., Shell], kind: Kind, figure: Callable[[str], None]
) -> None:
    end, begin, count = time.monotonic() + MINUTES * 60, seed(13), 0
    path = home.path
    while True:
        session = None
        home.path = path.parent / str(count) / path.name
        home.path.mkdir(parents=True)
        home.variables["HOME"] = str(home.path)
        try:
            session = Session(home, start, kind, begin + count)
            session.walk(STEPS)
        except AssertionError as error:
            steps = session.steps if session else []
            print(f"FALENV_SEED={begin + count}, {len(steps)} steps:", *steps, sep="\n")
            if session:
                print(session.now, session.shell.output[-2000:])
            raise error from None
        session.shell.close()
        count += 1
        if not LONG or time.monotonic() > end:
            break
    figure(f"session, {kind}: {count} times {STEPS} steps, seeds from {begin}")
