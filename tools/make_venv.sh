#!/bin/sh
# Make the virtual environment $1 with the Python $2 (or the first good one on PATH), and
# leave a working one alone. What is missing is said in one line.
set -eu

venv=$1
wanted=${2:-}
good='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -z "$wanted" ] && "$venv/bin/python" -c "$good" 2>/dev/null; then
    exit 0
fi

python=
for candidate in ${wanted:-python3 python3.13 python3.12 python3.11 python}; do
    if "$candidate" -c "$good" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    wanted=${wanted:-python3}
    found="no $wanted"
    command -v "$wanted" >/dev/null && found=$("$wanted" --version 2>&1 | head -n 1)
    echo "make: Python 3.11 or newer is needed, found ${found:-none}; install one or name it: make PYTHON=/path/to/python3" >&2
    exit 2
fi

rm -rf "$venv"
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
elif command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python "$python" "$venv"
else
    echo "make: $("$python" --version) cannot make virtual environments; install its venv module (Debian, Ubuntu: apt install python3-venv) or uv" >&2
    exit 2
fi
