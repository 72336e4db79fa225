#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completes command lines in each shell that is installed, and holds what is
offered against what the command says of itself; sees that faults in a
completion are found: check-completion.py SNG DIRECTORY.  Prints TAP."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

from command_help import print_tap, read_help

TIMEOUT = 30
VALUE_LINE = re.compile(r"sng [a-z]+ --[a-z-]+ --")
BEHIND_SHELL = b"\x18\x0c"  # Ctrl-X Ctrl-L: tells that all before it is done
CLEAR_LINE = b"\x15"

BASH_START = r"""
for setting in 'show-all-if-ambiguous on' 'page-completions off' 'completion-query-items 0' 'completion-display-width 0' \
    'bell-style none' 'enable-bracketed-paste off' 'colored-stats off'; do bind "set $setting"; done
told () { printf '\n<line>%s</line>\n' "$READLINE_LINE"; }
bind -x '"\C-x\C-l": told'
source "$COMPLETION"; PS1='$ '; stty -echo; echo rea''dy
"""
# What is offered goes into a file, and not to the screen.
ZSH_START = r"""
unsetopt prompt_cr beep; PS1=; fpath=("${COMPLETION:h}" $fpath); autoload -Uz compinit; compinit -u -D
compadd () { local -a hits; [[ " ${@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]] && { builtin compadd "$@"; return }
  builtin compadd -A hits "$@"; local code=$?; (( $#hits )) && print -rl -- $hits >> $OFFERED; return $code }
told () { print '</line>' >> $OFFERED }; zle -N told; bindkey '^X^L' told; bindkey '^I' complete-word; echo rea''dy
"""


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, start, environment, directory):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, environment)
        self.pid = pid
        script = pathlib.Path(directory, "start")
        script.write_text(start, encoding="utf-8")
        self.send(b" source ./start\n")
        self.read_until("ready")

    def send(self, data):
        os.write(self.terminal, data)

    def read_until(self, end):
        text, deadline = "", time.monotonic() + TIMEOUT
        while end not in text:
            assert time.monotonic() < deadline and select.select([self.terminal], [], [], TIMEOUT)[0], f"no {end!r} in {text!r}"
            text += os.read(self.terminal, 65536).decode(errors="replace")
        return text

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def complete_in_bash(completion, lines, environment, directory):
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], BASH_START,
                     {**environment, "COMPLETION": str(completion), "TERM": "dumb"}, directory)
    offered = {}
    for line in lines:
        shell.send(line.encode() + b"\t" + BEHIND_SHELL)
        text = shell.read_until("</line>")
        shell.send(CLEAR_LINE)
        completed = re.search(r"<line>(.*)</line>", text, re.S)[1]
        listed = [word.strip() for word in text.split("<line>")[0].split("\r\n")[1:-1]]
        # A prompt and the line stand behind a list.
        listed = [word for word in listed if word and not word.startswith("$ ")]
        single = [completed.split(" ")[-1 if not completed.endswith(" ") else -2]] if completed != line else []
        offered[line] = set(listed or single)
    shell.close()
    return offered


def complete_in_zsh(completion, lines, environment, directory):
    path = pathlib.Path(directory, "offered")
    shell = Terminal(["zsh", "-f", "-i"], ZSH_START,
                     {**environment, "COMPLETION": str(completion), "OFFERED": str(path), "TERM": "dumb"}, directory)
    offered = {}
    for line in lines:
        path.write_text("", encoding="utf-8")
        shell.send(line.encode() + b"\t" + BEHIND_SHELL)
        deadline = time.monotonic() + TIMEOUT
        while not (text := path.read_text(encoding="utf-8")).endswith("</line>\n"):
            assert time.monotonic() < deadline, f"{line!r} is not completed: {text!r}"
            time.sleep(0.005)
        shell.send(CLEAR_LINE)
        offered[line] = set(text.split("\n")[:-2])
    shell.close()
    return offered


def complete_in_fish(completion, lines, environment, directory):
    # It takes a word that begins with "-" for an option, whatever stands before it: see find_flags ().
    lines = [line for line in lines if not VALUE_LINE.fullmatch(line)]
    script = 'source $argv[1]; for line in $argv[2..]; complete -C $line; echo "</line>"; end'
    result = subprocess.run(["fish", "--no-config", "-c", script, str(completion), *lines], env=environment, cwd=directory,
                            capture_output=True, text=True, timeout=2 * TIMEOUT, check=True)
    blocks = result.stdout.split("</line>\n")
    return {line: {word.split("\t")[0] for word in block.split("\n") if word} for line, block in zip(lines, blocks)}


def find_flags(text, commands):
    """The options that take a value, but not for fish."""
    flags = set(re.findall(r" -l ([a-z-]+) -d ", text))
    return [f"fish: --{name} takes a value" for options in commands.values() for name, (_, value) in options.items()
            if value is not None and name in flags]


SHELLS = {"bash": ("sng.bash", complete_in_bash), "zsh": ("_sng", complete_in_zsh), "fish": ("sng.fish", complete_in_fish)}


def list_cases(commands, fault_ids):
    """Command lines, and what must be offered at the end of each."""
    kinds = {"raise", "preempt", "preempt=usr1", "kill", "kill-in-save="}
    cases = {"sng ": set(commands), "sng --": {"--help", "--version"}}
    for command, options in commands.items():
        cases[f"sng {command} --"] = {f"--{name}" for name in options} | {"--help"}
    for between in " ", "=":
        cases |= {
            f"sng demo --optimizer{between}": {"adamw", "sgd"},
            f"sng demo --precision{between}": {"32", "bf16-mixed", "16-mixed"},
            f"sng demo --tolerance{between}n": {"noise"},
            f"sng demo --stress{between}": {"threads", "jitter", "slow-disk"},
            f"sng demo --stress{between}threads,j": {"jitter"},
            f"sng demo --stops{between}": {"boundaries", "default", "every", "random:"},
            f"sng demo --stops{between}4:": kinds,
            f"sng check --stops{between}4:": kinds - {"kill-in-save="},
            f"sng check --stops{between}4:kill@": set(),
            f"sng check --compare{between}a-f": {"a-file.html"},
            f"sng check --checkpoint-dir{between}a-": {"a-directory"},
            f"sng demo --stops{between}4:kill,7:p": {"preempt", "preempt=usr1"},
            f"sng demo --stops{between}4:kill@b": {"backward"},
            f"sng demo --fault{between}": fault_ids,
            f"sng demo --fault{between}dr": {"drop:"},
            f"sng demo --output{between}a-d": {"a-directory"},
            f"sng demo --html{between}a-": {"a-directory", "a-file.html"},
        }
    cases |= {"sng show a-f": {"a-file.html"}, "sng diff a-file.html a-d": {"a-directory"}, "sng verify --quiet a-f": {"a-file.html"}}
    # What stands behind "--" is another program's.
    cases |= {"sng check --json -- a-prog": {"a-program"}, "sng check -- a-program a-f": {"a-file.html"},
              "sng check -- a-program --": set()}
    for command in "check", "demo":
        for name, (_, value) in commands[command].items():
            if value is not None:
                # What stands there now is a value, and no option.
                cases[f"sng {command} --{name} --"] = set()
    return cases


def normalize(word, expected):
    """A shell may offer the whole word, or the part of it that it breaks off; and it adds what follows."""
    word = word.rstrip("/ ")
    candidates = [name for name in expected if word in (name, name + "=") or re.search(r"[=:@,]" + re.escape(name) + "$", word)]
    return max(candidates, key=len, default=word)


def check(complete, completion, cases, environment, directory):
    offered = complete(completion, list(cases), environment, directory)
    wrong = []
    for line, expected in cases.items():
        if line not in offered:
            continue
        words = {normalize(word, expected) for word in offered[line]}
        if line == "sng ":  # the options of sng itself may stand beside the commands
            words -= {"-h", "--help", "--version"}
        if words != expected:
            wrong.append(f"{line!r}: offered {sorted(words - expected)}, not {sorted(expected - words)}")
    return wrong


# Each is found, and the others, too; the word stands in what is told of it.
PLANTED = {"option": ("--threads", "--thraeds", "thraeds"), "flag": ("--repeat", "--repaet", "repaet"), "value": ("sgd", "sdg", "sdg"),
           "command": ("verify", "verfiy", "verfiy"), "stop": ("backward", "bakward", "backward")}


def plant(completion, directory):
    text = completion.read_text(encoding="utf-8")
    for old, new, _ in PLANTED.values():
        # fish has names without their dashes
        old, new = (old, new) if old in text else (old.lstrip("-"), new.lstrip("-"))
        text = text.replace(old, new)
    planted = directory / completion.name
    planted.write_text(text, encoding="utf-8")
    return planted


def main():
    sng, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    listed = subprocess.run([sng, "faults"], capture_output=True, text=True, check=True).stdout
    fault_ids = {line.split()[0].replace(":STATE", ":") for line in listed.split("\n") if line and line[0] != " "}
    commands = read_help(sng)
    cases = list_cases(commands, fault_ids)
    lines = []
    with tempfile.TemporaryDirectory(prefix="sng-completion-") as work:
        directory, planted = pathlib.Path(work, "here"), pathlib.Path(work, "planted")
        (directory / "a-directory").mkdir(parents=True)
        (directory / "a-file.html").touch()
        planted.mkdir()
        programs = pathlib.Path(work, "programs")
        programs.mkdir()
        (programs / "a-program").write_text("#!/bin/sh\n", encoding="utf-8")
        (programs / "a-program").chmod(0o755)
        environment = {"PATH": f"{sng.parent}:{programs}:/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", "LINES": "500",
                       "COLUMNS": "200", "HISTFILE": "", "XDG_DATA_HOME": work, "XDG_CONFIG_HOME": work}
        for shell, (name, complete) in SHELLS.items():
            if shutil.which(shell, path="/usr/bin:/bin") is None:
                lines.append((shell, f"needs {shell}"))
                continue
            lines.append((shell, check(complete, source / name, cases, environment, directory)))
            found = "\n".join(check(complete, plant(source / name, planted), cases, environment, directory))
            lines += [(f"{shell}/fault/{fault}", [] if word in found else ["the planted fault was not found"])
                      for fault, (_, _, word) in PLANTED.items()]
    text = (source / "sng.fish").read_text(encoding="utf-8")
    lines.append(("fish/values", find_flags(text, commands)))
    lines.append(("fish/values/fault", [] if find_flags(text.replace(" -l seed -x", " -l seed"), commands)
                  else ["the planted fault was not found"]))
    return print_tap("completion", lines)


if __name__ == "__main__":
    sys.exit(main())
