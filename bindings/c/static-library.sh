#!/usr/bin/env bash
# Makes the static library to link from the archive that cargo builds. Cargo's archive defines
# every symbol of Rust's standard library as well, such as `rust_eh_personality`: a program that
# links another Rust library would have them twice. In the result only `drt_` symbols are global.
#
#   static-library.sh target/release/libdirectus_realtime.a OUT
#
# Does nothing if OUT is newer. LD, OBJCOPY, AR and READELF replace the tools of GNU binutils.
set -euo pipefail

in=$1
out=$2
if [ "$out" -nt "$in" ] && [ "$out" -nt "$0" ]; then
    exit 0
fi
# Other linkers lack --force-group-allocation.
if [ -z "${LD:-}" ]; then
    LD=$(command -v ld.bfd || echo ld)
fi
: "${OBJCOPY:=objcopy}" "${AR:=ar}" "${READELF:=readelf}"

mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$(dirname "$out")/.static-library.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "static-library.sh: $out is not made: $1" >&2
    exit 1
}

# Lines "BINDING SECTION NAME". Not by nm, which sees no symbols in objects that also have
# bitcode if a plugin for LLVM is installed.
symbols() {
    "$READELF" -sW "$1" >"$work/readelf" 2>/dev/null || fail "$READELF cannot read $1"
    awk '$1 ~ /^[0-9]+:$/ && NF >= 8 { print $5, $7, $8 }' "$work/readelf"
}
defined() { symbols "$1" | awk '$1 != "LOCAL" && $2 != "UND" { print $3 }' | sort -u; }

defined "$in" >"$work/before"
grep '^drt_' "$work/before" >"$work/functions" || fail "$in defines no function of the library"

# Section groups are resolved here: otherwise the final linker would discard those that another
# library has as well, with the symbols in them that are local by then.
sed 's/^/--undefined=/' "$work/functions" >"$work/roots"
"$LD" -r --gc-sections --force-group-allocation "@$work/roots" --whole-archive "$in" \
    -o "$work/linked.o" || fail "$LD failed; GNU ld 2.29 or later is needed"

# Weak references from discarded sections are left over; objcopy would make them strong.
# The comment is there because objcopy takes an empty file for an error.
{
    echo "# unused"
    symbols "$work/linked.o" | awk '$1 == "LOCAL" && $2 == "UND" { print $3 }'
} >"$work/unused"
# As in the shared library, the standard library's debug information is left out.
"$OBJCOPY" --wildcard --keep-global-symbol='drt_*' --strip-unneeded-symbols="$work/unused" \
    --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd \
    "$work/linked.o" "$work/directus_realtime.o" || fail "$OBJCOPY failed"

defined "$work/directus_realtime.o" >"$work/after"
cmp -s "$work/functions" "$work/after" || fail "global symbols other than those of the header"
if "$READELF" -gW "$work/directus_realtime.o" | grep -q 'group section'; then
    fail "$LD kept section groups"
fi

"$AR" crsD "$work/library.a" "$work/directus_realtime.o" || fail "$AR failed"
chmod 644 "$work/library.a"
mv -f "$work/library.a" "$out"
