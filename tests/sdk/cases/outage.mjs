import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { quietPeriod, until } from '../waiting.mjs';

export const overflow = /RangeError: Maximum call stack size exceeded/;

/** The server cannot be reached for a while. One change is made meanwhile, and one afterwards. */
async function outage(fixture, seconds) {
    const { official, ours } = await fixture.both();
    const ws = await fixture.one('official', { socket: 'ws' });
    const all = [official, ws, ours];
    await Promise.all(all.map(({ proxy }) => proxy.leave()));
    const [missed, later] = [fixture.name('missed'), fixture.name('later')];
    await fixture.create('posts', missed);
    await sleep(seconds * 1000);
    // Its only retry must fail before the server is back, also on a slow machine.
    await until(() => official.app.exitOutput !== undefined, 'the end of the official application');
    const before = ws.proxy.accepted;
    await Promise.all(all.map(({ proxy }) => proxy.listen()));
    await ours.app.has('posts', missed, 'init');
    await fixture.create('posts', later);
    await ours.app.has('posts', later, 'create');
    await quietPeriod();

    assert.deepEqual(ours.app.titles('posts'), [missed, later]);
    assert.match(official.app.exitOutput ?? 'still alive', overflow);
    assert.deepEqual(official.app.titles('posts'), []);
    assert.equal(ws.app.exitOutput, undefined);
    assert.equal(ws.proxy.accepted, before, 'the official SDK has retried');
    assert.equal(await ws.app.do('isConnected'), false);
    assert.deepEqual(ws.app.titles('posts'), []);
    return { official: '0 of 2 changes', ours: '2 of 2 changes' };
}

const official =
    "Retries once, after a second, and fails. With Node's own WebSocket the stack then overflows, and the process ends; " +
    'with `ws` it never retries, and reports nothing.';
const ours = 'Reconnects. A fresh snapshot has what was missed, and events continue.';

export const short = {
    title: 'A server that cannot be reached for three seconds',
    official,
    ours,
    run: (fixture) => outage(fixture, 3),
};

export const long = {
    title: 'A server that cannot be reached for three minutes',
    official,
    ours,
    isLong: true,
    run: (fixture) => outage(fixture, Number(process.env.DRT_SDK_OUTAGE_SECONDS ?? 180)),
};
