#!/usr/bin/env bash
# Installs what the tests need and the machine lacks, from the system's packages.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need gcc gcc
need g++ g++
need make make
need valgrind valgrind
need python3 python3
need npm npm
need pkg-config pkg-config
need cmake cmake
[ -e /usr/include/nlohmann/json.hpp ] || missing+=(nlohmann-json3-dev)

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
echo "installing ${missing[*]} (once)"
root=()
if [ "$(id -u)" -ne 0 ]; then
    root=(sudo)
fi
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
