#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that every message of the command is marked and every catalogue is
complete, and that each check finds the fault it is for:
check-messages.py SOURCE_ROOT.  Prints TAP."""

import ast
import pathlib
import re
import subprocess
import sys
import tempfile

MARKS = {"_", "N_", "C_", "NC_", "Q_", "ngettext", "g_dngettext"}
# What users read goes through these.
SPEAKERS = {"g_print", "g_printerr", "sng_cli_fail", "sng_cli_parse", "g_set_error", "g_set_error_literal",
            "g_prefix_error", "g_strdup_printf", "g_string_append_printf", "g_option_context_new",
            "g_option_context_set_summary", "g_option_context_set_description"}
# These take names that are the same in every language, at the start.
NAMED = {"sng_cli_parse": 1, "NC_": 1, "C_": 1, "g_dngettext": 0}

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\S', re.S)
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[a-zA-Z%]")
NAME = re.compile(r"--[a-z][a-z-]*|\bsng\b")
# xgettext reads no macro but those of the C standard: it cuts a message there.
MACRO = re.compile(r"G_G[A-Z0-9]+_FORMAT$")
# What a translation has to leave as it is.
LITERAL = re.compile(r"--[a-z][a-z-]*|\{[a-z-]+\}|SNG_[A-Z_]+|\.(?:safetensors|npy|json|csv|db|gz)\b|\b(?:sng|libsng|STATE|SEED)\b"
                     r"|\bSIG[A-Z]+\b|\b(?:PASS|DIVERGED|NONDETERMINISTIC|INCONCLUSIVE|TAP|JSON|JUnit)\b"
                     r"|\b(?:adamw|sgd|noise|jitter|threads|slow-disk|boundaries|bf16-mixed|16-mixed)\b|\d+x\d+|\d+:kill")
ENGLISH_WORDS = {"threads", "noise"}  # words of a sentence as well as values of an option
KEYWORDS = ["--keyword=_", "--keyword=N_", "--keyword=C_:1c,2", "--keyword=NC_:1c,2", "--keyword=g_dngettext:2,3",
            "--flag=N_:1:pass-c-format", "--flag=g_strdup_printf:1:c-format", "--flag=g_set_error:4:c-format",
            "--flag=g_print:1:c-format", "--flag=g_printerr:1:c-format", "--flag=sng_cli_fail:1:c-format"]


def has_words(literal):
    """Whether there is anything to translate: a word beside names and places for values."""
    text = NAME.sub("", CONVERSION.sub("", literal.replace("\\n", " ").replace("\\r", " ").replace("\\033[K", "")))
    return re.search(r"[^\W\d_]{2,}", text) is not None


def is_prose(literal):
    return re.search(r"[A-Za-z]{2,},? [a-z]{2,}", CONVERSION.sub("", literal)) is not None


def calls_around(text):
    """Yields each token with the names of the calls that it is an argument of, innermost last, each with
    the number of the argument.  The initializer of a GOptionEntry counts as a call of that name."""
    stack, previous, entries = [], "", False
    for match in TOKEN.finditer(text):
        token, line = match.group(), text.count("\n", 0, match.start()) + 1
        if token.startswith(("/*", "//")):
            continue
        yield token, line, stack
        if token == "GOptionEntry":
            entries = True
        if token in "([{":
            is_entry = token == "{" and entries and stack and stack[-1][0] == "GOptionEntry[]"
            is_list = token == "{" and entries and previous == "="
            stack.append(["GOptionEntry" if is_entry else "GOptionEntry[]" if is_list
                          else previous if token == "(" else "", 0])
        elif token in ")]}" and stack:
            if stack.pop()[0] == "GOptionEntry[]":
                entries = False
        elif token == "," and stack:
            stack[-1][1] += 1
        previous = token


def find_unmarked(text):
    wrong = []
    for token, line, stack in calls_around(text):
        names = [name for name, _ in stack]
        marked = bool(MARKS & set(names))
        if MACRO.match(token) and marked:
            wrong.append(f"{line}: {token} in a message, which ends there for xgettext; use PRIu64 or PRId64")
        if not token.startswith('"') or marked or not stack and not is_prose(token):
            continue
        name, argument = stack[-1] if stack else ("", 0)
        is_text = name in SPEAKERS and argument >= NAMED.get(name, 0) and has_words(token[1:-1])
        is_text |= name == "GOptionEntry" and argument > 0 and has_words(token[1:-1])
        if is_text or is_prose(token):
            wrong.append(f"{line}: {token} is not marked")
    return wrong


def run(*command, cwd=None):
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    return result.returncode, result.stdout + result.stderr


def extract(root, template):
    """Writes what the sources have now."""
    status, output = run("xgettext", "--from-code=UTF-8", "--add-location=file", *KEYWORDS, f"--output={template}",
                         "--files-from=po/POTFILES.in", cwd=root)
    return [] if status == 0 and "warning" not in output else [output]


def read_messages(text):
    """Yields the messages of a catalogue: the originals and the translations of each."""
    for block in text.split("\n\n"):
        fields, key = {}, ""
        for line in block.split("\n"):
            if match := re.match(r'(msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")$', line):
                key, value = match.groups()
                fields[key] = ast.literal_eval(value)
            elif line.startswith('"'):
                fields[key] += ast.literal_eval(line)
        if fields.get("msgid"):
            yield [value for key, value in fields.items() if key.startswith("msgid")], \
                [value for key, value in fields.items() if key.startswith("msgstr")]


def find_changed_literals(text):
    wrong = []
    for originals, translations in read_messages(text):
        kept = set(LITERAL.findall(originals[0])) - (ENGLISH_WORDS if is_prose(originals[0]) else set())
        for translation in translations:
            gone = sorted(kept - set(LITERAL.findall(translation)))
            if translation and gone:
                wrong.append(f"{translation!r} lacks {', '.join(gone)}")
    return wrong


def find_incomplete(text, template, work):
    """Everything of the template is translated, nothing is fuzzy or out of date, and the formats agree."""
    catalogue, merged = work / "catalogue.po", work / "merged.po"
    catalogue.write_text(text, encoding="utf-8")
    status, output = run("msgmerge", "--quiet", f"--output-file={merged}", str(catalogue), str(template))
    if status != 0:
        return [output]
    status, output = run("msgfmt", "--check", "--statistics", "--output-file=/dev/null", str(merged))
    wrong = [] if status == 0 else [output]
    if re.search(r"fuzzy|untranslated", output):
        wrong.append(output)
    wrong += [f"not in the sources any more: {line}" for line in merged.read_text(encoding="utf-8").split("\n")
              if line.startswith("#~ msgid")]
    return wrong


def check_sources(root):
    return [f"{path.name}:{message}" for path in sorted((root / "sng" / "cli").glob("*.c"))
            for message in find_unmarked(path.read_text(encoding="utf-8"))]


PLANTED_SOURCES = {
    "print": 'g_print ("nothing found\\n");',
    "one-word": 'g_printerr ("%s: interrupted\\n", name);',
    "fail": 'return sng_cli_fail ("--steps %d: too many", n);',
    "error": 'g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "%s: broken", path);',
    "option": 'GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON", NULL }, { NULL } };',
    "option-argument": 'GOptionEntry entries[] = { { "html", 0, 0, G_OPTION_ARG_FILENAME, &f, N_ ("write"), "FILE" } };',
    "summary": 'sng_cli_parse ("show", "PATH", _ ("Prints PATH."), NULL, NULL, 1, &argc, &argv);',
    "table": 'static const char *names[] = { "a run directory" };',
    "macro": 'g_print (_ ("step %" G_GUINT64_FORMAT "\\n"), step);',
}
SOUND_SOURCE = """
/* g_print ("a comment is no message") */
GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print them as JSON"), NULL }, { NULL } };
g_print ("%s: %s\\n", name, text);
g_printerr ("sng: %s\\n", message);
sng_cli_fail ("--precision: %s", error->message);
g_print (ngettext ("%" PRIu64 " entry\\n", "%" PRIu64 " entries\\n", n), n);
path = g_build_filename (directory, "plan.json", NULL);
"""


def plant_in_catalogue(text):
    """A sound catalogue with one thing wrong with it, by the name of the fault."""
    start = text.index("\nmsgid", text.index("\nmsgid") + 1)  # behind the header
    translated = re.compile(r'\nmsgid "%s does not exist"\nmsgstr "[^"]*"')
    return {
        "untranslated": translated.sub('\nmsgid "%s does not exist"\nmsgstr ""', text),
        "missing": translated.sub("", text),
        "fuzzy": text[:start] + "\n#, fuzzy" + text[start:],
        "format": translated.sub('\nmsgid "%s does not exist"\nmsgstr "%d"', text),
        "obsolete": text + '\n#, c-format\nmsgid "%s went away"\nmsgstr "%s!"\n',
        "syntax": text + '\nmsgid "open\n',
    }


def catalogue_lines(root, work):
    template = work / "sng.pot"
    yield "template", extract(root, template)

    languages = [line for line in (root / "po" / "LINGUAS").read_text(encoding="utf-8").split("\n")
                 if line and not line.startswith("#")]
    files = sorted(path.stem for path in (root / "po").glob("*.po"))
    yield "linguas", [] if languages == files else [f"po/LINGUAS has {languages}, but there are {files}"]

    for language in files:
        text = (root / "po" / f"{language}.po").read_text(encoding="utf-8")
        yield f"complete/{language}", find_incomplete(text, template, work)
        yield f"literals/{language}", find_changed_literals(text)

    for name, planted in plant_in_catalogue(text).items():
        found = planted != text and find_incomplete(planted, template, work)
        yield f"complete/fault/{name}", [] if found else ["the planted fault was not found"]
    found = find_changed_literals('msgid "--json and --tap"\nmsgstr "--json y --grifo"\n')
    yield "literals/fault", [] if found else ["the planted fault was not found"]

    # A message that the sources have and no catalogue does.
    with open(template, "a", encoding="utf-8") as file:
        file.write('\nmsgid "brand new"\nmsgstr ""\n')
    yield "complete/fault/new-message", [] if find_incomplete(text, template, work) else ["the planted fault was not found"]


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    lines = [("marked", check_sources(root)), ("marked/sound", find_unmarked(SOUND_SOURCE))]
    lines += [(f"marked/fault/{name}", [] if len(find_unmarked(text)) == 1 else ["the planted fault was not found"])
              for name, text in PLANTED_SOURCES.items()]
    with tempfile.TemporaryDirectory(prefix="sng-messages-") as work:
        lines += catalogue_lines(root, pathlib.Path(work))

    print(f"1..{len(lines)}")
    for number, (title, details) in enumerate(lines, 1):
        for detail in details:
            # meson shows the standard error of a failed TAP test only.
            print(f"{title}: {detail}", file=sys.stderr)
        print(f"{'not ok' if details else 'ok'} {number} /sng/project/messages/{title}")
    return 1 if any(details for _, details in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
