"""flowc completion: print a completion script for bash, zsh or fish.

Commands and options are completed from what flowc knows itself; rules and files of the workflow
in the current directory as targets.

Examples:
  source <(flowc completion bash)                                     # in ~/.bashrc
  source <(flowc completion zsh)                                      # in ~/.zshrc
  flowc completion fish > ~/.config/fish/completions/flowc.fish
"""

from argparse import Action, ArgumentParser, Namespace
from importlib import import_module

from flowc.cli.options import Parser

SHELLS = ("bash", "zsh", "fish")


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc completion SHELL"
    parser.add_argument("shell", choices=SHELLS, help="bash, zsh or fish")


def main(args: Namespace) -> int:
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]
    print(write())
    return 0


def parsers() -> dict[str, tuple[str, Parser]]:
    """Each command's summary and its parser; `profile show` is one of its own."""
    from flowc.cli.main import COMMANDS, SUBCOMMANDS  # it imports a command but by its name

    every = dict(COMMANDS)
    for name, words in SUBCOMMANDS.items():
        every.update((f"{name} {word}", summary) for word, summary in words.items())
    found = {}
    for name, summary in every.items():
        module = import_module(f"flowc.cli.{name.replace('-', '_').replace(' ', '_')}")
        parser = Parser(name, summary=summary, description=module.__doc__ or "")
        module.options(parser)
        found[name] = (summary, parser)
    return found


def _words(command: str) -> dict[str, str]:
    """A command's further words, with their summaries."""
    from flowc.cli.main import SUBCOMMANDS  # as above

    return SUBCOMMANDS.get(command, {})


_TARGETS = "flowc list --targets 2>/dev/null"


# --- bash ----------------------------------------------------------------------------------------

_BASH = """\
# bash completion for flowc: source <(flowc completion bash)
_flowc_targets() {{
    local target
    while IFS= read -r target; do
        [[ $target == "$1"* ]] && printf '%s\\n' "$target"
    done < <({targets})
}}
_flowc() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local IFS=$'\\n'
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W '{commands}' -- "$word"))
        return
    fi
    local command=${{COMP_WORDS[1]}}
    if (( COMP_CWORD > 2 )); then
        case "$command ${{COMP_WORDS[2]}}" in
            {inner}) command+=" ${{COMP_WORDS[2]}}" ;;
        esac
    fi
    case "$command:$before" in
{values}
    esac
    if [[ $word == -* ]]; then
        case "$command" in
{options}
        esac
        return
    fi
    case "$command:$COMP_CWORD" in
{further}
    esac
    case "$command" in
        {inner})
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            ;;
        completion) COMPREPLY=($(compgen -W $'{shells}' -- "$word")) ;;
        *)
            mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY \
                < <(compgen -f -- "$word"; _flowc_targets "$word")
            compopt -o filenames 2>/dev/null
            ;;
    esac
}}
complete -F _flowc flowc"""


def _bash() -> str:
    names: list[str] = []
    inner: list[str] = []
    values, flags, further = [], [], []
    for command, (_, parser) in parsers().items():
        (inner if " " in command else names).append(command)
        if words := "\\n".join(_words(command)):
            reply = f"COMPREPLY=($(compgen -W $'{words}' -- \"$word\"))"
            further.append(f"        {command}:2) {reply} ;;")
        flags.append(_bash_case(command, parser.option_names()))
        for action in parser.options():
            words = "|".join(f"'{command}:{name}'" for name in action.option_strings)
            reply = _bash_value(action)
            if reply:
                values.append(f"        {words}) {reply}; return ;;")
    return _BASH.format(
        targets=_TARGETS,
        commands="\n".join(names),
        values="\n".join(values),
        options="\n".join(flags),
        further="\n".join(further),
        inner="|".join(f"'{command}'" for command in inner),
        shells="\\n".join(SHELLS),
    )


def _bash_case(command: str, words: list[str]) -> str:
    listed = "\\n".join(words)
    return f"            '{command}') COMPREPLY=($(compgen -W $'{listed}' -- \"$word\")) ;;"


def _bash_value(action: Action) -> str:
    """What completes an option's value; nothing for a flag."""
    if action.choices:
        listed = "\\n".join(map(str, action.choices))
        return f"COMPREPLY=($(compgen -W $'{listed}' -- \"$word\"))"
    if action.metavar == "FILE":
        return 'mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames'
    if action.metavar == "DIR":
        return 'mapfile -t COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames'
    if action.metavar == "RULE_OR_FILE":
        return 'mapfile -t COMPREPLY < <(_flowc_targets "$word"); compopt -o filenames'
    return "" if action.nargs == 0 else "COMPREPLY=()"


# --- zsh -----------------------------------------------------------------------------------------

_ZSH = """\
#compdef flowc
# zsh completion for flowc: source <(flowc completion zsh)
_flowc_targets() {{
    local -a targets
    targets=("${{(@f)$({targets})}}")
    compadd -a targets
    _files
}}
_flowc() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    if (( CURRENT > 2 )); then
        case "$command $words[2]" in
            {inner})
                command+=" $words[2]"
                shift words
                (( CURRENT-- )) ;;
        esac
    elif [[ $words[2] != -* ]]; then
        case $command in
{further}
        esac
    fi
    case $command in
{cases}
    esac
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
compdef _flowc flowc"""


def _zsh() -> str:
    commands, cases, further, inner = [], [], [], []
    for command, (summary, parser) in parsers().items():
        if " " in command:
            inner.append(f"'{command}'")
        else:
            commands.append(f"        {_quote(f'{command}:{summary}')}")
        if words := _words(command):
            listed = " ".join(_quote(f"{word}:{text}") for word, text in words.items())
            words_of = f"local -a further=({listed}); _describe word further"
            further.append(f"            {command}) {words_of} ;;")
        specs = [_zsh_spec(name, a) for a in parser.options() for name in a.option_strings]
        rest = f"'1:shell:({' '.join(SHELLS)})'" if command == "completion" else ""
        rest = rest or ("'*:file:_files'" if " " in command else "'*:target:_flowc_targets'")
        joined = " \\\n            ".join([*specs, rest])
        cases.append(f"        '{command}') _arguments \\\n            {joined} ;;")
    return _ZSH.format(
        targets=_TARGETS,
        commands="\n".join(commands),
        cases="\n".join(cases),
        further="\n".join(further),
        inner="|".join(inner),
    )


def _zsh_spec(name: str, action: Action) -> str:
    text = _help(action)
    for char in "\\[]:":
        text = text.replace(char, f"\\{char}")
    value = ""
    if action.choices:
        value = f":value:({' '.join(map(str, action.choices))})"
    elif action.metavar in ("FILE", "DIR"):
        value = f":{action.metavar}:_files" + (" -/" if action.metavar == "DIR" else "")
    elif action.metavar == "RULE_OR_FILE":
        value = ":target:_flowc_targets"
    elif action.nargs != 0:
        value = f":{action.metavar}: "
        value = value.replace("RULE:NAME", "RULE\\:NAME")
    repeated = "*" if action.nargs == "+" else ""
    return _quote(f"{repeated}{name}[{text}]{value}")


# --- fish ----------------------------------------------------------------------------------------


def _fish() -> str:
    lines = [
        "# fish completion for flowc: flowc completion fish > "
        "~/.config/fish/completions/flowc.fish",
        f"function __flowc_targets\n    {_TARGETS}\nend",
    ]
    for command, (summary, parser) in parsers().items():
        name, _, word = command.partition(" ")
        further = " ".join(_words(name))
        seen = "__fish_seen_subcommand_from"
        when = f"{seen} {name}" + (f"; and not {seen} {further}" if further and not word else "")
        offered = "__fish_use_subcommand"
        if word:
            when, offered = (
                f"{seen} {name}; and {seen} {word}",
                when + f"; and not {seen} {further}",
            )
        lines.append(
            f"complete -c flowc -f -n '{offered}' -a {word or name} -d {_fish_quote(summary)}"
        )
        here = f"complete -c flowc -n '{when}'"
        lines += [f"{here} {_fish_option(action)}" for action in parser.options()]
        words = f"'{' '.join(SHELLS)}' -f" if command == "completion" else "'(__flowc_targets)'"
        lines += [] if word else [f"{here} -a {words}"]
    return "\n".join(lines)


def _fish_option(action: Action) -> str:
    names = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
        for name in action.option_strings
    ]
    value = ""
    if action.choices:
        value = f" -x -a '{' '.join(map(str, action.choices))}'"
    elif action.metavar == "DIR":
        value = " -x -a '(__fish_complete_directories)'"
    elif action.metavar == "RULE_OR_FILE":
        value = " -x -a '(__flowc_targets)'"
    elif action.metavar == "FILE":
        value = " -r -F"
    elif action.nargs != 0:
        value = " -x"
    return f"{' '.join(names)}{value} -d {_fish_quote(_help(action))}"


def _help(action: Action) -> str:
    return (action.help or "").partition(" (")[0]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
