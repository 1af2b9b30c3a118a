// The official SDK and this library side by side, on the same server and with the same faults.
//
//     DRT_SDK_OUTAGE_SECONDS=20   shortens the outage of three minutes
//     DRT_SDK_CASE=packet         runs only the cases whose titles contain that
//     DRT_UPDATE_PAGE=1           rewrites the table in docs/official-sdk.md
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../../bindings/node/test/server.mjs';
import { cases } from './cases/index.mjs';
import { readTable, tableOf, writeOutcomes, writeTable } from './page.mjs';
import { TOKEN_SECONDS, Fixture } from './fixture.mjs';

const AT_ONCE = 5;
const TIMEOUT_MS = 420_000;

const only = process.env.DRT_SDK_CASE;
const wanted = cases.filter(({ title }) => !only || title.includes(only));
assert.notEqual(wanted.length, 0, `no case has "${only}" in its title`);
const seen = new Map();

describe('beside the official SDK', { concurrency: AT_ONCE }, () => {
    let server;
    before(async () => {
        server = await startServer({ env: { ACCESS_TOKEN_TTL: `${TOKEN_SECONDS}s` } });
    });
    after(() => server.close());

    // The long ones first, so that the others run meanwhile.
    for (const each of wanted.toSorted((a, b) => Number(!!b.isLong) - Number(!!a.isLong))) {
        it(
            `${each.title}: the official SDK fails, this library does not`,
            { timeout: TIMEOUT_MS },
            async (t) => {
                seen.set(each, await each.run(new Fixture(t, server)));
            },
        );
    }
});

it('docs/official-sdk.md has the table of these cases', { skip: only && 'some cases only' }, async () => {
    const outcomes = cases.map((each) => ({ ...each, seen: seen.get(each) }));
    await writeOutcomes(outcomes);
    const table = tableOf(cases.filter((each) => seen.has(each)));
    if (process.env.DRT_UPDATE_PAGE) {
        await writeTable(table);
    }
    assert.deepEqual(await readTable(), table);
});
