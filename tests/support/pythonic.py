"""Snakefiles with the words of Python that Snakefiles often hold; the runs of both are compared."""

Files = dict[str, str]

CASES: dict[str, Files] = {}

CASES["imports-for-jobs"] = {
    "Snakefile": """
import csv, random
from shutil import copyfile
from textwrap import dedent as d
from pathlib import Path
import json

OUT = Path("out")

def write(path, value):
    import datetime
    try:
        with open(path, "w") as file:
            while True:
                print(json.dumps(value), file=file)
                break
    except OSError:
        raise

def pure(name):
    return f"{name}.txt"

twice = lambda text: text + text

rule all:
    input: "out/b.txt", pure("c")

rule a:
    output: OUT / "a.txt"
    run:
        write(output[0], {"out": str(OUT), "pure": pure("x")})

rule b:
    input: OUT / "a.txt"
    output: OUT / "b.txt"
    run:
        copyfile(input[0], output[0])

rule c:
    output: "c.txt"
    run:
        with open(output[0], "w") as file, open("out.txt", "w") as other:
            file.write(twice(d("  c")))
            other.write("o")
""",
}

CASES["speaking"] = {
    "Snakefile": """
import sys
from snakemake.logging import logger
from snakemake.exceptions import WorkflowError

SAMPLES = ["a", "b"]
print("samples:", *SAMPLES, file=sys.stderr)
logger.info(f"{len(SAMPLES)} samples")
if not SAMPLES:
    raise ValueError("there are no samples")
assert len(SAMPLES) < 10, "too many"
if "x" in SAMPLES:
    sys.exit("x is no sample")

def of(wildcards):
    print(wildcards)
    if wildcards.s not in SAMPLES:
        raise WorkflowError(f"{wildcards.s} is no sample")
    return f"in/{wildcards.s}.txt"

rule all:
    input: expand("{s}.out", s=SAMPLES)

rule a:
    input: of
    output: "{s}.out"
    params: size=lambda wildcards, input: print(input) or 3
    shell: "echo {params.size} | cat {input} - > {output}"
""",
    "in/a.txt": "one\n",
    "in/b.txt": "two\n",
}

CASES["validate"] = {
    "Snakefile": """
from snakemake.utils import min_version, validate
min_version("6.0")
configfile: "config.yaml"
validate(config, "schemas/config.schema.yaml")
validate(config, schema="schemas/config.schema.yaml", set_default=False)

rule all:
    input: expand("{s}-{n}.txt", s=config["samples"], n=config["deep"]["n"])

rule a:
    output: "{s}-{n}.txt"
    shell: "echo {config[mode]} > {output}"
""",
    "config.yaml": "samples: [a, b]\ndeep: {}\n",
    "schemas/config.schema.yaml": """
$schema: "https://json-schema.org/draft/2020-12/schema"
type: object
properties:
  samples: {type: array, items: {$ref: "parts.yaml#/definitions/sample"}}
  mode: {enum: [slow, fast], default: fast}
  deep:
    properties:
      n: {type: integer, default: 7}
required: [samples, deep]
""",
    "schemas/parts.yaml": """
$schema: "https://json-schema.org/draft/2020-12/schema"
definitions: {sample: {type: string, pattern: '^[a-z]$'}}
""",
}

CASES["stars"] = {
    "Snakefile": """
from os.path import join, basename as base
import os.path as op
first, *rest = ["a", "b", "c"]

def of(*, name, end=".txt"):
    return join("out", name) + end

rule all:
    input: of(name=first), [of(name=r) for r in rest], op.join("out", base("x/d.txt"))

rule a:
    output: "out/{x}.txt"
    shell: "echo {rest} > {output}"
""",
}

CASES["listing"] = {
    "Snakefile": """
import glob, os, re
from pathlib import Path

os.makedirs("out/logs", exist_ok=True)
Path("out").mkdir(exist_ok=True)
NUMBER = re.compile(r"s(\\d+)")
HERE = Path(workflow.basedir).resolve().name
STEMS = sorted(os.path.basename(p)[:-4] for p in glob.glob("in/*.txt"))
LISTED = sorted(os.listdir("in"))
DEEP = sorted(p.as_posix().replace("/", "_") for p in Path("in").rglob("*.csv"))
NUMBERS = [m.group(1) for m in map(NUMBER.match, STEMS) if m]
SIZE = 20

wildcard_constraints:
    size=SIZE

rule all:
    input:
        expand("out/{stem}.{size}.txt", stem=STEMS, size=SIZE),
        expand("out/{name}.listed", name=LISTED + DEEP)

rule a:
    input: "in/{stem}.txt"
    output: "out/{stem}.{size}.txt"
    log: "out/logs/{stem}.{size}.log"
    shell: "echo {NUMBERS} {wildcards.size} | cat - {input} > {output}; touch {log}"

rule b:
    output: "out/{name}.listed"
    shell: "echo {wildcards.name} > {output}"
""",
    "in/s1.txt": "1\n",
    "in/s2.txt": "2\n",
    "in/other.txt": "3\n",
    "in/deep/er/d.csv": "4\n",
}

CASES["imports-of-its-own"] = {
    "Snakefile": """
import sys
sys.path.append("lib")
from queue import Queue
from multiprocessing.pool import ThreadPool

rule all:
    input: "a.txt", "b.txt"

rule a:
    output: "a.txt"
    run:
        from beside import word
        from inside import other
        queue = Queue()
        queue.put(word + other)
        open(output[0], "w").write(queue.get())

rule b:
    output: "b.txt"
    run:
        with ThreadPool(1) as pool:
            open(output[0], "w").write(str(pool.map(len, ["a", "bc"])))
""",
    "beside.py": "word = 'beside'\n",
    "lib/inside.py": "other = 'inside'\n",
}
