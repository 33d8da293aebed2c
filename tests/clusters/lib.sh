# What the four scripts here share: they source it, with the name of their engine.
# shellcheck shell=bash
name=$1
base=${TMPDIR:-/tmp}/flowc-clusters/$name-tests

fail() {
    echo "$name-up: $1" >&2
    exit 1
}

# needs PROGRAM:PACKAGE...: install the packages whose programs are not there. Nothing that they
# bring may start by itself.
needs() {
    local pair code=0 missing=() policy=/usr/sbin/policy-rc.d made=
    for pair; do
        [[ -e ${pair%%:*} ]] || command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    ((${#missing[@]})) || return 0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=1
    fi
    {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
            --no-install-recommends "${missing[@]}"
    } >"$base/apt.log" 2>&1 || code=$?
    [[ -z $made ]] || rm -f "$policy"
    ((code == 0)) || { tail -n 20 "$base/apt.log" >&2; fail "cannot install ${missing[*]}"; }
}

# lives PID PROGRAM: also if it is called slurmd-wlm. A zombie has no program.
lives() {
    local path
    path=$(readlink "/proc/$1/exe" 2>/dev/null) && path=${path##*/} && [[ ${path%-wlm} == "$2" ]]
}

# running PIDFILE PROGRAM: prints the process id if it is alive and that program's.
running() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && lives "$pid" "$2" && echo "$pid"
}

# end PIDFILE PROGRAM [SECONDS]: TERM, and KILL after so long.
end() {
    local pid i last=$((${3:-10} * 10))
    pid=$(running "$1" "$2") || return 0
    kill -CONT "$pid"
    kill -TERM "$pid"
    for ((i = 0; i < last + 20; i++)); do
        lives "$pid" "$2" || break
        ((i == last)) && kill -KILL "$pid"
        sleep 0.1
    done
    rm -f "$1"
}

# (apart COMMAND...) without what the caller has open (locks, pipes), which a daemon would keep.
apart() {
    local fd
    for fd in "/proc/$BASHPID/fd"/*; do
        ((${fd##*/} > 2)) && eval "exec ${fd##*/}>&-"
    done
    exec "$@"
}

# until_ok SECONDS COMMAND...: try ten times a second.
until_ok() {
    local i count=$(($1 * 10))
    shift
    for ((i = 0; i < count; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

# Alone: two calls at once would start everything twice.
alone() {
    mkdir -p "$base"
    exec 9>"$base/lock"
    flock -w 300 9 || fail "another one is at work"
}

# put FILE: write what comes in, whole or not at all: others read it while this is called again.
put() {
    cat >"$1.new"
    mv "$1.new" "$1"
}

# ready WHAT: the last words of a start.
ready() {
    if [[ -n ${new:-} ]]; then echo "$name-up: $1 ready"; else echo "$name-up: $1 ready already"; fi
}
