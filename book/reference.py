"""Pages that nobody writes by hand: made of the binary's help, of the sources' doc comments and of the files in specs/."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path


def relinc(*words):
    """What the binary that RELINC names, or the one on the path, prints."""
    program = os.environ.get("RELINC") or shutil.which("relinc")
    if not program:
        raise SystemExit("book: the reference is made of relinc's own help: set RELINC to the binary, or put relinc on the path")
    done = subprocess.run([program, *words], capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"}, check=False)
    if done.returncode:
        raise SystemExit(f"book: relinc {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.rstrip()


def commands(text):
    """The subcommands that a help text lists, in the order of the text; relinc's own stand in groups of several headings."""
    names = re.findall(r"^ {2,4}([a-z][a-z-]*) {2,}\S", text, re.MULTILINE)
    return [name for name in names if name != "help"]


def command_line(_root):
    def section(*words):
        text = relinc(*words, "--help")
        return [f"## relinc {' '.join(words)}".rstrip(), "", "```text", text, "```", ""]

    top = relinc("--help")
    names = commands(top)
    links = ", ".join(f"[`{name}`](#relinc-{name})" for name in names)
    out = [
        "# Command line", "", f"What `relinc COMMAND --help` prints, of relinc {relinc('--version').split()[-1]}. {links}.", "",
        "Every command that prints a result takes `--json`: one document on stdout, progress on stderr.", "",
        "| exit code | meaning |", "|---|---|", "| 0 | done |",
        "| 1 | the work ran and the answer is no (a difference, a budget that cannot be met, points beyond `--max-drop`), or it cannot be printed |",
        "| 2 | bad usage or bad input, or a file that cannot be written; nothing of yours was touched |",
        "| 130, 143, 129 | ended by Ctrl-C, TERM or HUP |", "",
        *section(),
    ]
    for name in names:
        out += section(name)
    return "\n".join(out)


STRUCTS = [
    ("The file", "Keys at the top of a pipeline.", [("src/pipeline.rs", "Pipeline"), ("src/options/model.rs", "ModelOptions"), ("src/options/compile.rs", "CompileOptions")]),
    ("`architecture:`", "A network built from a description, with random weights, instead of `model`.", [("passes/src/architecture/mod.rs", "Architecture")]),
    ("`accuracy:`", "What is measured at the end.", [("src/options/compile.rs", "HeldOut"), ("src/training/evaluate.rs", "MeasureOptions")]),
    ("`report:`", "What is priced.", [("src/options/compile.rs", "ReportOptions")]),
    ("A stage", "Keys of an item of `stages`.", [("src/pipeline.rs", "Stage")]),
    ("A stage that trains", "Keys of `teacher`, `search` and `tune`.", [("src/training/spec.rs", "StepOptions")]),
    ("How a search finds masks", "Keys of `search`.", [("src/training/spec.rs", "MaskOptions")]),
]
FIELD = re.compile(r"((?:    ///[^\n]*\n)+)((?:    #\[(?:[^\n]|\n        )*\]\n)*)    (?:pub )?(\w+): ([^\n]+),\n")


def fields(root, file, struct):
    """The keys of a struct that is read from YAML, each with its doc comment."""
    text = (root / file).read_text(encoding="utf-8")
    found = re.search(rf"^pub struct {struct} \{{\n(.*?)^\}}", text, re.M | re.S)
    if not found:
        raise SystemExit(f"book: {file} has no struct {struct}")
    for doc, attributes, name, kind in FIELD.findall(found[1]):
        if "flatten" in attributes or kind.split("<")[-1].split(">")[0].endswith("Options"):
            continue
        if renamed := re.search(r'serde\([^)]*rename = "(\w+)"', attributes):
            name = renamed[1]
        about = " ".join(line.strip()[3:].strip() for line in doc.strip().splitlines())
        yield name, re.sub(r"\[`([^]`]+)`\](?!\()", r"`\1`", about).replace("|", r"\|").replace("<", "&lt;")


def pipeline(root):
    out = [
        "# Pipeline keys", "",
        "What `relinc run` and `sweep` read. A key that is not known is an error, and the nearest known one is named. The same names with",
        "dashes are options of `compile`, `train`, `search` and `tune` ([command line](cli.md)).", "",
    ]
    for title, about, structs in STRUCTS:
        out += [f"## {title}", "", about, "", "| key | meaning |", "|---|---|"]
        for file, struct in structs:
            out += [f"| `{name}` | {about} |" for name, about in fields(root, file, struct) if name not in ("report", "accuracy")]
        if title == "The file":
            out += ["| `accuracy` | what is measured at the end, [below](#accuracy) |", "| `report` | what is priced, [below](#report) |"]
        out.append("")
    for name, title in (("training", "With training: every key, with its default"), ("oneshot-resnet20", "Without training")):
        text = (root / f"specs/pipelines/{name}.yaml").read_text(encoding="utf-8").rstrip()
        out += [f"## {title}", "", f"`specs/pipelines/{name}.yaml`:", "", "```yaml", text, "```", ""]
    return "\n".join(out)


def protocols(_root):
    found = json.loads(relinc("protocols", "--json"))
    out = [
        "# Protocols", "",
        "The built-in cost models, as `relinc protocols` lists them. `--protocol` takes a name, an ending that only one has (`cheetah`), or a",
        "file ([how to write one](contributing.md#add-a-cost-model)). Which one to take: [Choose a protocol](choose-protocol.md).", "",
        "| name | parties | ring | weights by default | runtime | measured |", "|---|---|---|---|---|---|",
    ]
    for p in found:
        out.append(f"| [`{p['name']}`](#{p['name']}) | {p['parties']} | {p['ring']} | {p['default_weights']} | {p['runtime']} | {'yes' if p['verified'] else 'no: literature'} |")
    for p in found:
        out += ["", f"## {p['name']}", "", f"**Who must be trusted.** {p['trust']}", "", f"**What its numbers count.** {p['counts']}.", "", f"**Source.** {p['source']}."]
        if p.get("offline"):
            out += ["", f"**Preprocessing.** {p['offline']}."]
    return "\n".join(out).replace("..\n", ".\n") + "\n"


def kind_of(schema):
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        return f"[{name}](#the-form-{name})"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(v)}`" for v in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(kind_of(s) for s in schema[several])
    kind = schema.get("type", "anything")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if "array" in kind and isinstance(schema.get("items"), dict):
        kind = kind.replace("array", f"list of {kind_of(schema['items'])}")
    return kind


def rows(schema, prefix=""):
    required = schema.get("required", [])
    for name, of in schema.get("properties", {}).items():
        about = of.get("description", "").replace("|", r"\|").replace("<", "&lt;")
        yield f"| `{prefix}{name}` | {kind_of(of)} | {'' if name in required else 'no'} | {about} |"
        inner = of.get("items") if isinstance(of.get("items"), dict) else of
        if inner.get("properties"):
            yield from rows(inner, f"{prefix}{name}{'[]' if inner is not of else ''}.")


def report_schema(root):
    schema = json.loads((root / "specs/report.schema.json").read_text(encoding="utf-8"))
    head = ["| key | type | always there | meaning |", "|---|---|---|---|"]
    out = ["# Report schema", "", f"{schema['description']} As JSON Schema: `specs/report.schema.json`. How to read one: [Read a report](report.md).", ""]
    for name, of in schema["properties"].items():
        one = {"properties": {name: of}, "required": schema["required"]}
        out += [f"## {name}", "", *head, *rows(one), ""]
    for name, of in schema["$defs"].items():
        body = [*head, *rows(of)] if of.get("properties") else [kind_of(of)]
        out += [f"## The form {name}", "", of.get("description", ""), "", *body, ""]
    return "\n".join(out)
