#!/usr/bin/env bash
# Installs the library that `make lib` has built, as any C library is installed on Linux. Called
# by `make install`, which sets BUILD, PREFIX, LIBDIR, DESTDIR and LDCONFIG.
set -euo pipefail
cd "$(dirname "$0")/../.."

library=libdirectus_realtime
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soname=$library.so.${version%%.*}
root=${DESTDIR%/}
built=$BUILD/release

for file in "$library.so" "$library.a"; do
    if [ ! -e "$built/$file" ]; then
        echo "make install: $built/$file is not built, and cargo is not in PATH" >&2
        echo "Run \`make lib\` as a user who has cargo, then \`make install\` again." >&2
        exit 1
    fi
done

# Before anything is installed: it may fail.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bindings/c/static-library.sh "$built/$library.a" "$work/$library.a"

install -d "$root$PREFIX/include" "$root$LIBDIR/pkgconfig" \
    "$root$PREFIX/share/cmake/directus-realtime"
install -m 644 include/directus_realtime.{h,hpp,cdef} "$root$PREFIX/include"
install -m 644 "$work/$library.a" "$root$LIBDIR/$library.a"
install -m 755 "$built/$library.so" "$root$LIBDIR/$library.so.$version"
ln -sf "$library.so.$version" "$root$LIBDIR/$soname"
ln -sf "$library.so.$version" "$root$LIBDIR/$library.so"
install -m 644 bindings/cmake/directus-realtime-*.cmake \
    "$root$PREFIX/share/cmake/directus-realtime"

# Relative to the prefix where it is below it, so that pkg-config can move it.
libdir=$LIBDIR
case $LIBDIR in
"$PREFIX"/*) libdir="\${prefix}${LIBDIR#"$PREFIX"}" ;;
esac
sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$libdir|" -e "s|@VERSION@|$version|" \
    bindings/c/directus-realtime.pc.in >"$root$LIBDIR/pkgconfig/directus-realtime.pc"
chmod 644 "$root$LIBDIR/pkgconfig/directus-realtime.pc"

# Whether the loader's cache has the file, by whatever name of its folder.
is_found() {
    local path
    for path in $("$LDCONFIG" -p | sed -n "s/^.*$soname .*=> //p"); do
        [ "$path" -ef "$LIBDIR/$soname" ] && return
    done
    return 1
}

echo "installed directus-realtime $version in $root$PREFIX"
if [ -n "$root" ]; then
    echo "Run ldconfig where this is installed: programs find the library by its cache."
elif [ "$(id -u)" -ne 0 ] || ! "$LDCONFIG"; then
    echo "Run \`sudo ldconfig\`: programs find the library by its cache."
elif ! is_found; then
    echo "$LIBDIR is not searched for libraries: link with -Wl,-rpath,$LIBDIR, or add it to"
    echo "/etc/ld.so.conf.d/ and run ldconfig, or set LD_LIBRARY_PATH."
fi
