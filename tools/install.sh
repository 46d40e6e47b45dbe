#!/bin/sh
# Install into the environment of the Python $1 with the pinned versions, by uv if it is on
# PATH, else by pip. `install.sh PYTHON --wheel DIR` packs this project as a wheel instead.
set -eu

python=$1
shift

if command -v uv >/dev/null 2>&1; then
    install() { uv pip install --quiet --python "$python" --constraint constraints.txt "$@"; }
else
    install() {
        "$python" -m pip install --quiet --disable-pip-version-check \
            --constraint constraints.txt "$@"
    }
fi

# The build tool is pinned like everything else, so builds need no fetching of their own.
install --upgrade setuptools
if [ "$1" = --wheel ]; then
    mkdir -p "$2"
    "$python" -c 'import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])' "$2"
else
    echo "Installing $* with pinned versions"
    install --no-build-isolation "$@"
fi
