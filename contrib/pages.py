#!/usr/bin/python3
"""Writes the man pages and the completion for bash, out of the tables that --help is printed from and out of the manual.

usage: pages.py DIRECTORY VERSION, in the directory of the Makefile. Nothing that the tables or the manual say is said again here.
"""
import re
import sys
import textwrap
from email.utils import parsedate_to_datetime
from pathlib import Path

ABOUT = "receives signed webhooks of dental practice systems"
ROFF = {"\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
INLINE = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)|\*\*(?P<bold>.+?)\*\*|(?<![\w*])\*(?P<italic>[^*\s][^*]*?)\*|\[(?P<link>[^]]+)\]\([^)]*\)"
                    r"|(?P<source> \[\d+\])", re.S)
COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|/\*.*?\*/', re.S)
BOUNDS = {"NUMBER": "A number", "SIZE": "Bytes", "DURATION": "Seconds", "TEXT": "A text"}
COMPLETED = {"FILE": "files", "DEFINITION.json": "files", "DIRECTORY": "directories", "SOURCE": "sources", "S": "sources"}


# The tables. A row is a call in Python's eyes as well; a bare word stands for itself.

class Words(dict):
    """Names that mean themselves."""

    def __missing__(self, name):
        return name


def table(name, macro):
    """The rows of include/tbl/NAME.h."""
    text = COMMENT.sub(lambda match: match[1] or "", Path(f"include/tbl/{name}.h").read_text(encoding="utf-8"))
    found = []
    exec(text, {}, Words({macro: lambda *row: found.append(row)}))  # pylint: disable=exec-used # our own source
    return found


def forms(command):
    """The forms of a command, as the words behind its name."""
    return [form.split() for form in command[1].split("|")]


# Text.

def escaped(text):
    """Characters that roff would take for its own, or that are not ASCII."""
    text = "".join(ROFF.get(char, char) if ord(char) < 128 else f"\\[u{ord(char):04X}]" for char in text)
    return text.replace("-", r"\-")


def bold(text):
    """Text to be typed as it is."""
    return rf"\fB{escaped(text)}\fR"


def inline(text):
    """One paragraph of the manual, in roff."""
    out, end = [], 0
    for match in INLINE.finditer(text):
        out.append(escaped(text[end:match.start()]))
        end = match.end()
        if match["code"]:
            out.append(bold(match["code"].strip()))
        elif match["bold"] or match["italic"]:
            out.append(rf"\f{'B' if match['bold'] else 'I'}{inline(match['bold'] or match['italic'])}\fR")
        elif match["link"]:
            out.append(inline(match["link"]) + (" of the manual" if re.fullmatch(r"section \d+", match["link"]) else ""))
    return "".join(out + [escaped(text[end:])])


def filled(text):
    """Lines of a paragraph, none of which roff takes for a request."""
    lines = textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False)
    return [rf"\&{line}" if line.startswith((".", "'")) else line for line in lines]


def verbatim(lines):
    """Lines that stay as they are."""
    return [".PP", ".RS 4", ".EX", *(rf"\&{escaped(line)}" for line in lines), ".EE", ".RE"]


def cells(line):
    """The cells of a row of a table."""
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def listed(lines):
    """A table, as a list whose tags are its first column."""
    heads, out = cells(lines[0]), []
    for tag, *rest in map(cells, lines[2:]):
        said = [cell if number + 2 == len(heads) or len(rest) == 1 else f"{heads[number + 1]}: {cell}." for number, cell in enumerate(rest) if cell]
        out += [".TP", inline(tag), *(filled(inline(" ".join(said))) or [r"\&"])]
    return out


def block(lines):
    """A paragraph, list item, table, heading or example of the manual, in roff."""
    first = lines[0]
    if first.startswith("```"):
        return verbatim(lines[1:-1])
    if first.startswith("#"):
        return [f'.SH "{inline(first.lstrip("# ")).upper()}"']
    if first.startswith("|"):
        return listed(lines)
    if item := re.match(r"- |(\d+\.) ", first):
        mark = item[1] or r"\(bu"
        return [f".IP {mark} 4", *filled(inline(" ".join([first[item.end():], *map(str.strip, lines[1:])])))]
    return [".PP", *filled(inline(" ".join(lines)))]


def blocks(text):
    """Cuts markdown, of the kind that the manual is written in, into blocks of lines."""
    found, fenced = [[]], False
    for line in text.splitlines():
        starts = not fenced and re.match(r"```|- |\d+\. |#", line)
        if not fenced and (not line.strip() or starts):
            found.append([])
        if line.strip() or fenced:
            found[-1].append(line)
        if line.startswith("```"):
            fenced = not fenced
            if not fenced:
                found.append([])
    return [lines for lines in found if lines]


def chapter(title):
    """The blocks of a chapter of the manual, without its heading."""
    text = Path("contrib/manual.md").read_text(encoding="utf-8")
    return blocks(re.search(rf"^## \d+\. {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1])


# The pages.

def usage(name, form):
    """One form of a command: what is typed as it is, and what is put in its place."""
    def dress(match):
        return rf"\fI{match[0]}\fR" if match[0].isupper() or "." in match[0] else bold(match[0])
    words = re.sub(r"[\w.]*[A-Z]{1}[\w.]*|(?:--)?[a-z][\w-]*", dress, " ".join([*form, "[-c FILE]"]).replace("...", "\0"))
    return f"{bold(f'pickupd {name}')} {words}".replace("[-c", rf"[{bold('-c')}").replace("\0", r"\&...")


def command_pages(commands):
    """pickupd(1)."""
    rest = chapter("Commands")
    told = {match[1]: lines for lines in rest if (match := re.match(r"- `(\w+)`: ", lines[0]))}
    synopsis = [line for command in commands for form in forms(command) for line in (usage(command[0], form), ".br")]
    out = ["SYNOPSIS", *synopsis[:-1], ".SH DESCRIPTION"]
    for lines in rest:
        if not lines[0].startswith(("- ", "#")):
            out += block(lines)
    out.append(".SH COMMANDS")
    for command in commands:
        out += [f".SS {command[0]}", *filled(inline(command[2]))]
        if command[0] in told:
            more = " ".join(map(str.strip, told[command[0]])).split(": ", 1)[1]
            out += block([more[0].upper() + more[1:]])
        out += verbatim([command[3]])
    return out


def key_text(default, kind, least, most, text):
    """What the table says of a config key."""
    bounds = f"{BOUNDS[kind]}, {least} to {most}." if kind in BOUNDS and most else ""
    default = f"Default: {bold(default)}." if default else ""
    return " ".join(filter(None, [escaped(text), bounds, default]))


def config_pages(keys):
    """pickupd.conf(5): the keys out of their table, everything else out of the manual."""
    sections = list(dict.fromkeys(key[0] for key in keys))
    text = chapter("Configuration")
    heads = {section: next(at for at, lines in enumerate(text) if re.match(rf"`\[{section}\b", lines[0])) for section in sections}
    out = ["DESCRIPTION", *(line for lines in text[:min(heads.values())] for line in block(lines))]
    for section in sections:
        head = inline(re.match(r"`(\[.*?\])`", text[heads[section]][0])[1])
        intro = " ".join(text[heads[section]]).partition("`: ")[2]
        out += [f'.SH "{head}"', *(filled(inline(intro[:1].upper() + intro[1:])) if intro else [])]
        for _, name, *row in filter(lambda key, section=section: key[0] == section, keys):
            kind, default, least, most, words = row
            out += [".TP", bold(name), *filled(key_text(default, kind, least, most, words))]
    return out + [".SH NOTES", *(line for lines in text[max(heads.values()) + 1:] if not lines[0].startswith("|") for line in block(lines))]


def definition_pages():
    """pickupd-definition(5): the manual's chapter."""
    return ["DESCRIPTION", *(line for lines in chapter("Definitions") for line in block(lines))]


def page(name, section, about, body, version, others):
    """A whole page."""
    stamp = re.search(r"^ -- .*>  (.*)", Path(DEBIAN, "changelog").read_text(encoding="utf-8"), re.M)[1]
    date = parsedate_to_datetime(stamp).date()
    see = ", ".join(rf"\fB{escaped(other)}\fR({number})" for other, number in others if other != name)
    lines = [line for last, line in zip(["", *body], body) if not (line == ".PP" and last.startswith((".SH", ".SS", "DESCRIPTION")))]
    return "\n".join([r'.\" Generated by contrib/pages.py.', f'.TH {name.upper()} {section} "{date}" "pickupd {version}"', ".SH NAME",
                      rf"{escaped(name)} \- {escaped(about)}", f".SH {lines[0]}", *lines[1:], ".SH SEE ALSO", *filled(see),
                      ".PP", r"The manual, \fImanual.md\fR, lies among the documents of pickupd."]) + "\n"


# Completion.

COMPLETION = r"""# bash completion of pickupd. Generated by contrib/pages.py.
_pickupd_sources() {
    local file=${PICKUPD_CONFIG:-} at
    for ((at = 1; at < COMP_CWORD; at++)); do [[ ${COMP_WORDS[at]} == -c ]] && file=${COMP_WORDS[at + 1]}; done
    [[ -r $file ]] && sed -n 's/^\[source[ \t]\{1,\}\([a-z0-9_-]\{1,\}\)[ \t]*\].*/\1/p' -- "$file"
}

_pickupd_value() { # the values of a kind that begin with what is typed
    case $1 in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
    sources) mapfile -t COMPREPLY < <(compgen -W "$(_pickupd_sources)" -- "$2") ;;
    *) COMPREPLY=() ;;
    esac
}

_pickupd() {
    local typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= sub= at words= value=
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        -c) ((at++)) ;;
        -*) ;;
        *) [[ -z $command ]] && command=${COMP_WORDS[at]} || { [[ -z $sub ]] && sub=${COMP_WORDS[at]}; } ;;
        esac
    done
    case $before in
    -c) _pickupd_value files "$typed"; return ;;
@OPTIONS@
    esac
    case $command/$sub in
    /*) words='@COMMANDS@ --help --version' ;;
@FORMS@
    esac
    if [[ $value && $typed != -* ]]; then
        _pickupd_value "$value" "$typed"
        [[ ${COMPREPLY[*]} ]] && return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$typed")
}
complete -F _pickupd pickupd
"""


def takes(form):
    """The options of a form as {name: what stands behind it, or None}, and the first of its words that is no option."""
    words = [word.strip("[]") for word in form]
    options, free, at = {}, [], 0
    while at < len(words):
        follows = words[at + 1] if at + 1 < len(words) else "-"
        if words[at].startswith("-"):
            has_value = follows[:1].isupper() and not form[at].endswith("]")
            options[words[at]] = follows if has_value else None
            at += has_value
        elif words[at] not in ("...", "<"):
            free.append(words[at])
        at += 1
    return options, free


def completed(command):
    """The arms of the completion's case for a command: one for each word that may follow it, and one for what comes first."""
    first, arms, value = [], {}, ""
    for options, free in map(takes, forms(command)):
        sub = free[0] if free and free[0].islower() else None
        first += [sub] if sub else options
        words, kind = arms.get(sub, ([], ""))
        kind = kind or next((COMPLETED[word] for word in free if word in COMPLETED), "")
        arms[sub] = ([*words, *options], kind)
    _, value = arms.pop(None, ([], ""))
    lines = [(f"{command[0]}/{sub}", words, kind) for sub, (words, kind) in arms.items()]
    lines.append((f"{command[0]}/*", first, value))
    return [f"    {arm}) words='{' '.join(dict.fromkeys([*words, '-c', '--help']))}' value={kind} ;;" for arm, words, kind in lines]


def completion(commands):
    """What bash sources."""
    values = {}
    for command in commands:
        for options, _ in map(takes, forms(command)):
            values.update({name: COMPLETED.get(value, "none") for name, value in options.items() if value})
    text = COMPLETION.replace("@OPTIONS@", "\n".join(f'    {name}) _pickupd_value {kind} "$typed"; return ;;' for name, kind in sorted(values.items())))
    text = text.replace("@COMMANDS@", " ".join(command[0] for command in commands))
    return text.replace("@FORMS@", "\n".join(line for command in commands for line in completed(command)))


DEBIAN = "debian" if Path("debian").is_dir() else "contrib/debian"


def main(directory, version):
    """Write all of it."""
    commands, keys = table("command", "COMMAND"), table("config", "KEY")
    pages = {("pickupd", 1): (ABOUT, command_pages(commands)),
             ("pickupd.conf", 5): ("configuration of pickupd", config_pages(keys)),
             ("pickupd-definition", 5): ("how a sender of webhooks signs, and what its fields mean", definition_pages())}
    Path(directory).mkdir(parents=True, exist_ok=True)
    for (name, section), (about, body) in pages.items():
        text = page(name, section, about, body, version, pages)
        Path(directory, f"{name}.{section}").write_text(text, encoding="ascii")
    Path(directory, "pickupd.bash").write_text(completion(commands), encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: pages.py DIRECTORY VERSION")
    main(*sys.argv[1:])
