// The list of a live collection's rows, and the steps between two lists.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { fold } from './folding.mjs';

const require = createRequire(import.meta.url);
const { Rows } = require('../dist/live/rows.js');
const { difference } = require('../dist/live/difference.js');

/** Whole numbers below `below`, the same at each run. */
function random(seed) {
    let state = seed;
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
}

describe('the rows', () => {
    it('rows are inserted and removed at every place, as in an array', () => {
        for (let seed = 1; seed <= 20; seed++) {
            const any = random(seed);
            const [rows, expected] = [new Rows(), []];
            // Long enough for several chunks, then down to nothing.
            const most = seed % 4 === 0 ? 6000 : 60;
            for (let step = 0; step < 3 * most; step++) {
                const grows = step < 2 * most ? any(4) > 0 : any(4) === 0;
                if (grows || expected.length === 0) {
                    const at = any(3) === 0 ? expected.length : any(expected.length + 1);
                    rows.insert(at, step);
                    expected.splice(at, 0, step);
                } else {
                    const at = any(expected.length);
                    assert.deepEqual([rows.remove(at)], expected.splice(at, 1));
                }
            }
            assert.deepEqual(rows.all(), expected);
            assert.equal(rows.length, expected.length);
            while (rows.length > 0) {
                rows.remove(0);
            }
            assert.deepEqual(rows.all(), []);
        }
    });

    it('all rows are one frozen array until they change', () => {
        const rows = new Rows();
        rows.insert(0, 'a');
        const before = rows.all();
        assert.equal(rows.all(), before);
        rows.insert(1, 'b');
        assert.deepEqual([before, rows.all()], [['a'], ['a', 'b']]);
        assert.throws(() => rows.all().push('c'), TypeError);
    });
});

describe('the steps between two lists', () => {
    const steps = (before, after) => difference(before, after, ({ id }) => id);

    it('steps lead from any list to any other', () => {
        for (let seed = 1; seed <= 300; seed++) {
            const any = random(seed);
            const known = new Map();
            const list = () => {
                const ids = Array.from({ length: 12 }, (_, id) => id).filter(() => any(3) > 0);
                ids.sort(() => any(3) - 1);
                return ids.map((id) => {
                    if (any(4) === 0 || !known.has(id)) {
                        known.set(id, { id });
                    }
                    return known.get(id);
                });
            };
            const [before, after] = [list(), list()];
            const folded = fold(before, steps(before, after));
            assert.equal(folded.length, after.length);
            folded.forEach((row, at) => assert.equal(row, after[at]));
        }
    });

    it('unchanged rows are no steps, and a row that moves is two', () => {
        const rows = Array.from({ length: 100 }, (_, id) => ({ id }));
        const [first, ...others] = rows;
        assert.deepEqual(steps(rows, [...rows]), []);
        const moved = steps(rows, [...others, first]).map(({ kind, key }) => [kind, key]);
        assert.deepEqual(moved, [
            ['removed', 0],
            ['added', 0],
        ]);
        const other = { id: 50 };
        assert.deepEqual(steps(rows, rows.with(50, other)), [
            { kind: 'modified', key: 50, row: other, oldIndex: 50, newIndex: 50 },
        ]);
    });
});
