rule make:
    output: "made.txt"
    shell: "touch {output}"

rule more:
    input: "made.txt"
    output: "more.txt"
    shell: "touch {output}"
