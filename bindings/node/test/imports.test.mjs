// The modules of the package import each other in one direction only.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

const files = readdirSync(SOURCE, { recursive: true }).filter((file) => /\.m?ts$/.test(file));
const read = (file) => readFileSync(path.join(SOURCE, file), 'utf8');

/** The modules of the package that a file names in `import` and `export … from`, types included. */
function importsOf(file) {
    return [...read(file).matchAll(/(?:\bfrom|\bimport) '(\.[^']+)\.js'/g)].map(
        ([, name]) => `${path.join(path.dirname(file), name)}.ts`,
    );
}

const graph = new Map(files.map((file) => [file, importsOf(file)]));

/** The first circle that a search from `file` meets, as the files on it. */
function findCircle(file, trail = [], done = new Set()) {
    if (trail.includes(file)) {
        return [...trail.slice(trail.indexOf(file)), file];
    }
    if (done.has(file)) {
        return undefined;
    }
    for (const next of graph.get(file)) {
        const circle = findCircle(next, [...trail, file], done);
        if (circle !== undefined) {
            return circle;
        }
    }
    done.add(file);
    return undefined;
}

describe('the imports of the package', () => {
    it('every import of the package names a module that exists', () => {
        assert.ok(files.length > 30, `${files}`);
        for (const [file, imports] of graph) {
            for (const each of imports) {
                assert.ok(graph.has(each), `${file} imports ${each}`);
            }
        }
        assert.ok(graph.get('client.ts').includes('core.ts'));
    });

    it('the imports of the package form no circle, imports of types included', () => {
        for (const file of files) {
            assert.deepEqual(findCircle(file) ?? [], []);
        }
    });

    it('only src/abi uses koffi', () => {
        const users = files.filter((file) => read(file).includes("from 'koffi'"));
        assert.ok(users.length > 0);
        assert.deepEqual(
            users.filter((file) => path.dirname(file) !== 'abi'),
            [],
        );
    });

    it('no module registers callbacks with C', () => {
        const users = files.filter((file) => /\b(?:register|proto)\b[^;]*from 'koffi'/.test(read(file)));
        assert.deepEqual(users, []);
    });
});
