// The table of the outcomes: in docs/official-sdk.md, and of this run under target/sdk/.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from '../../bindings/node/test/server.mjs';

const PAGE = path.join(ROOT, 'docs', 'official-sdk.md');
const RESULTS = path.join(ROOT, 'target', 'sdk');

const require = createRequire(import.meta.url);
export const VERSION = JSON.parse(
    await readFile(path.join(path.dirname(require.resolve('@directus/sdk')), '..', 'package.json'), 'utf8'),
).version;

/** The lines of the table. */
export function tableOf(cases) {
    return [
        `| case | official SDK ${VERSION} | this library |`,
        '| --- | --- | --- |',
        ...cases.map(({ title, official, ours }) => `| ${title} | ${official} | ${ours} |`),
    ];
}

const isRow = (line) => line.startsWith('|');

/** The lines of the table in the page. */
export async function readTable() {
    return (await readFile(PAGE, 'utf8')).split('\n').filter(isRow);
}

/** Replaces the table in the page. */
export async function writeTable(table) {
    const lines = (await readFile(PAGE, 'utf8')).split('\n');
    const [first, last] = [lines.findIndex(isRow), lines.findLastIndex(isRow)];
    await writeFile(PAGE, lines.toSpliced(first, last - first + 1, ...table).join('\n'));
}

/** Writes the outcomes of a run. */
export async function writeOutcomes(outcomes) {
    await mkdir(RESULTS, { recursive: true });
    const report = { sdk: VERSION, cases: outcomes.map(({ run, isLong, ...rest }) => rest) };
    await write('outcome.json', `${JSON.stringify(report, null, 4)}\n`);
    const seen = outcomes.filter((outcome) => outcome.seen);
    const rows = seen.map(({ title, seen: { official, ours } }) => ({ title, official, ours }));
    await write('outcome.md', `${tableOf(rows).join('\n')}\n`);
}

/** Writes a file at once, because other runs may write it at the same time. */
async function write(name, text) {
    const part = path.join(RESULTS, `${name}.${process.pid}`);
    await writeFile(part, text);
    await rename(part, path.join(RESULTS, name));
}
