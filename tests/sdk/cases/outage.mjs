import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../waiting.mjs';

export const overflow = /RangeError: Maximum call stack size exceeded/;

/** The server can't be reached for a while: what becomes of a change meanwhile, and of one after it? */
async function outage(world, seconds) {
    const { official, ours } = await world.both();
    const ws = await world.one('official', { socket: 'ws' });
    const all = [official, ws, ours];
    await Promise.all(all.map(({ proxy }) => proxy.leave()));
    const [missed, later] = [world.name('missed'), world.name('later')];
    await world.create('posts', missed);
    await sleep(seconds * 1000);
    const before = ws.proxy.accepted;
    await Promise.all(all.map(({ proxy }) => proxy.listen()));
    await ours.app.has('posts', missed, 'init');
    await world.create('posts', later);
    await ours.app.has('posts', later, 'create');
    await patience();

    assert.deepEqual(ours.app.titles('posts'), [missed, later]);
    assert.match(official.app.lastWords ?? 'still alive', overflow);
    assert.deepEqual(official.app.titles('posts'), []);
    assert.equal(ws.app.lastWords, undefined);
    assert.equal(ws.proxy.accepted, before, 'the official SDK has tried again');
    assert.equal(await ws.app.do('isConnected'), false);
    assert.deepEqual(ws.app.titles('posts'), []);
    return { official: '0 of 2 changes', ours: '2 of 2 changes' };
}

const official =
    "Tries once, a second later, in vain. With Node's own WebSocket the stack overflows then, and the process ends; " +
    'with `ws` it never tries again, and says nothing.';
const ours = 'Comes back. A fresh snapshot has what was missed, and the events go on.';

export const short = {
    title: 'A server that is away for three seconds',
    official,
    ours,
    run: (world) => outage(world, 3),
};

export const long = {
    title: 'A server that is away for three minutes',
    official,
    ours,
    isLong: true,
    run: (world) => outage(world, Number(process.env.DRT_SDK_OUTAGE_SECONDS ?? 180)),
};
