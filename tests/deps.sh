#!/usr/bin/env bash
# Installs what the machine lacks, from the system's packages: `deps.sh` for what building and
# the demo need, `deps.sh tests` for what the tests need as well, `deps.sh dist` for what
# `make dist` needs, `deps.sh dist-tests` for what its tests need as well.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need_file() { compgen -G "$1" >/dev/null || missing+=("$2"); }
# Runtimes that not every system has; the tests that need them are skipped by name.
wished=()
wish() { command -v "$1" >/dev/null 2>&1 || wished+=("$2"); }
wish_file() { compgen -G "$1" >/dev/null || wished+=("$2"); }

need gcc gcc
need g++ g++
need make make
need python3 python3
need npm npm
need pkg-config pkg-config
need_file /usr/include/nlohmann/json.hpp nlohmann-json3-dev
need_file /usr/include/jansson.h libjansson-dev
if [ "${1:-}" = tests ]; then
    need valgrind valgrind
    need cmake cmake
    need clang++ clang
    need doxygen doxygen
    need chromium chromium
    need openssl openssl
    need_file '/usr/lib/postgresql/*/bin/postgres' postgresql
    need redis-server redis-server
    need_file /usr/sbin/mariadbd mariadb-server-core
    need_file /usr/include/uv.h libuv1-dev
    need_file /usr/include/gc.h libgc-dev
    need mcs mono-mcs
    need mono mono-runtime
    need_file /usr/include/glib-2.0/glib.h libglib2.0-dev
    need_file /usr/include/asio.hpp libasio-dev
    wish_file '/usr/lib/*/pkgconfig/Qt5Core.pc' qtbase5-dev
    wish go golang-go
    wish javac default-jdk-headless
    wish_file /usr/share/java/jna.jar libjna-java
    wish_file /usr/share/java/gson.jar libgoogle-gson-java
    wish_file /usr/lib/mono/4.5/System.Json.dll libmono-system-json4.0-cil
    wish_file '/usr/share/postgresql/*/extension/postgis.control' 'postgresql-15-postgis-3'
    wish ruby ruby
    wish luajit luajit
    wish_file '/usr/lib/*/lua/5.1/cjson.so' lua-cjson
    wish php php-cli
    wish nginx nginx-light
    wish haproxy haproxy
    wish apache2 apache2
    wish caddy caddy
    wish_file '/usr/lib/*/perl5/*/FFI/Platypus.pm' libffi-platypus-perl
    wish_file /usr/lib/python3/dist-packages/gi python3-gi
    # Of PySide6, which comes with the rest of Qt.
    wish_file '/usr/lib/*/libEGL.so.1' libegl1
    wish_file '/usr/lib/*/libGL.so.1' libgl1
fi

if [[ ${1:-} == dist* ]]; then
    need dpkg-deb dpkg
    need x86_64-linux-gnu-ld.bfd binutils-x86-64-linux-gnu
    need aarch64-linux-gnu-ld.bfd binutils-aarch64-linux-gnu
fi
if [ "${1:-}" = dist-tests ]; then
    need pkg-config pkg-config
    need cmake cmake
    # Roots of other Debians, other processors, another C library.
    wish mmdebstrap mmdebstrap
    wish qemu-aarch64-static qemu-user-static
    wish_file '/lib/ld-musl-*.so.1' musl
    wish wine wine
    wish_file /usr/lib/wine/wine64 wine64
fi

if [ ${#missing[@]} -eq 0 ] && [ ${#wished[@]} -eq 0 ]; then
    exit 0
fi
echo "installing ${missing[*]} ${wished[*]} (once)"
root=()
if [ "$(id -u)" -ne 0 ]; then
    root=(sudo)
fi
# The tests start servers of their own: in this run level the system starts none.
as_root=("${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)

# Another apt may be at work, such as the daily upgrade: it is waited for. apt does that by
# itself where the lock is dpkg's, not where it is that of its lists or archives.
patience=${APT_LOCK_SECONDS:-600}
deadline=$((SECONDS + patience))
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
apt_get() {
    while ! "${as_root[@]}" apt-get -qq -o "DPkg::Lock::Timeout=$patience" "$@" 2>"$errors"; do
        if ! grep -q 'Could not get lock\|Unable to lock' "$errors" || [ $SECONDS -ge $deadline ]; then
            cat "$errors" >&2
            exit 1
        fi
        echo "apt is busy: $(grep -m 1 'lock' "$errors"); waiting"
        sleep "${APT_LOCK_PAUSE:-3}"
    done
    cat "$errors" >&2
}
apt_get update
for package in "${wished[@]}"; do
    if [[ $(apt-cache policy "$package") == *"Candidate: "[^\(]* ]]; then
        missing+=("$package")
    else
        echo "the system has no package $package"
    fi
done
if [ ${#missing[@]} -gt 0 ]; then
    apt_get install -y --no-install-recommends "${missing[@]}"
fi
