#!/bin/sh
# Make .venv from lock/requirements.txt; called by `make venv`.  Installs Debian's python3-venv where it is
# missing and we may; asks the package index that pip is configured for, and checks every hash.
set -eu
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "mailproc needs Python 3.11 or later; $python is not: make venv PYTHON=/path/to/python3" >&2
    exit 1
}

# Debian keeps the part of venv that brings pip in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$python cannot make virtual environments: install python3-venv" >&2
        exit 1
    fi
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends python3-venv >/dev/null
fi

[ -x .venv/bin/pip ] || "$python" -m venv --clear .venv
echo "Installing the locked versions into .venv"
.venv/bin/pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r lock/requirements.txt
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch .venv/.installed
