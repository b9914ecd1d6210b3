"""Writes the manual pages of snug and its commands from what its argument parser says of them.

usage: snug --experimental-dump-help | python3 manual_pages.py VERSION FOLDER
"""
import json
import os
import sys


def escaped(text):
    """Text as roff shows it: lines that begin with a sign of the language begin with none for it."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def paragraphs(text):
    """A discussion; its indented lines are examples, which are shown as they are."""
    out, in_example = [], False
    for line in text.split("\n"):
        if not line.strip():
            out.append("" if in_example else ".PP")
            continue
        if line.startswith("  ") != in_example:
            in_example = not in_example
            out += [".RS 4", ".nf"] if in_example else [".fi", ".RE"]
        out.append(escaped(line[2:] if in_example else line))
    return out + ([".fi", ".RE"] if in_example else [])


def spelled(argument):
    """How an option or an argument is written: `-o, --output out.onnx`."""
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return "\\fI" + escaped(value) + "\\fR"
    names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument.get("names", [])]
    text = ", ".join("\\fB" + escaped(name) + "\\fR" for name in names)
    return text + (" \\fI" + escaped(value) + "\\fR" if argument["kind"] == "option" else "")


def shown(arguments):
    return [argument for argument in arguments if argument.get("shouldDisplay", True)]


def page(command, words, version, names):
    title = "-".join(words)
    arguments = shown(command.get("arguments", []))
    out = [f'.TH {title.upper()} 1 "" "snug {version}" "snug"', ".SH NAME",
           f"{escaped(title)} \\- {escaped(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS"]
    line = "\\fB" + escaped(" ".join(words)) + "\\fR"
    if command.get("subcommands"):
        line += " \\fIcommand\\fR"
    line += "".join(" " + spelled(a) for a in arguments if a["kind"] == "positional")
    line += "".join(" " + spelled(a).split(", ")[-1] for a in arguments
                    if a["kind"] == "option" and not a.get("isOptional", False))
    out += [line + " [\\fIoptions\\fR]"]
    if command.get("discussion"):
        out += [".SH DESCRIPTION"] + paragraphs(command["discussion"])
    section = None
    for argument in arguments:
        heading = argument.get("sectionTitle") or ("Arguments" if argument["kind"] == "positional" else "Options")
        if heading != section:
            out.append(f".SH {escaped(heading.upper())}")
            section = heading
        out += [".TP", spelled(argument), escaped(argument.get("abstract") or "")]
    if command.get("subcommands"):
        out.append(".SH COMMANDS")
        for child in command["subcommands"]:
            if child.get("shouldDisplay", True):
                out += [".TP", f"\\fB{escaped(child['commandName'])}\\fR", escaped(child["abstract"])]
    others = [name for name in names if name != title]
    out += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(name)}\\fR(1)" for name in others)]
    return title, "\n".join(out) + "\n"


def main():
    version, folder = sys.argv[1:]
    root = json.load(sys.stdin)["command"]
    children = [c for c in root.get("subcommands", []) if c.get("shouldDisplay", True) and c["commandName"] != "help"]
    root["subcommands"] = children
    names = ["snug"] + ["snug-" + child["commandName"] for child in children]
    os.makedirs(folder, exist_ok=True)
    for command, words in [(root, ["snug"])] + [(c, ["snug", c["commandName"]]) for c in children]:
        title, text = page(command, words, version, names)
        with open(os.path.join(folder, title + ".1"), "w", encoding="utf-8") as file:
            file.write(text)


main()
