// The official SDK and this library beside each other, on the same server.
//
//     DRT_SDK_OUTAGE_SECONDS=20   shortens the outage of three minutes
//     DRT_SDK_CASE=packet         runs the cases whose titles have that in them
//     DRT_UPDATE_PAGE=1           writes the table in docs/ anew
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../../bindings/node/test/server.mjs';
import { cases } from './cases/index.mjs';
import { keep, readTable, tableOf, writeTable } from './page.mjs';
import { TOKEN_SECONDS, World } from './world.mjs';

const AT_ONCE = 5;
const TIMEOUT_MS = 420_000;

const only = process.env.DRT_SDK_CASE;
const wanted = cases.filter(({ title }) => !only || title.includes(only));
assert.notEqual(wanted.length, 0, `no case has "${only}" in its title`);
const seen = new Map();

describe('the official SDK fails, and this library does not:', { concurrency: AT_ONCE }, () => {
    let server;
    before(async () => {
        server = await startServer({ env: { ACCESS_TOKEN_TTL: `${TOKEN_SECONDS}s` } });
    });
    after(() => server.close());

    // The long ones first: the others pass meanwhile.
    for (const each of wanted.toSorted((a, b) => Number(!!b.isLong) - Number(!!a.isLong))) {
        it(each.title, { timeout: TIMEOUT_MS }, async (t) => {
            seen.set(each, await each.run(new World(t, server)));
        });
    }
});

it('the page says just that', { skip: only && 'some cases only' }, async () => {
    const outcomes = cases.map((each) => ({ ...each, seen: seen.get(each) }));
    await keep(outcomes);
    const table = tableOf(cases.filter((each) => seen.has(each)));
    if (process.env.DRT_UPDATE_PAGE) {
        await writeTable(table);
    }
    assert.deepEqual(await readTable(), table);
});
