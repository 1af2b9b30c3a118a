import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';

const SLOW_MS = 2000;

export default {
    title: 'An authentication answer that takes two seconds',
    official:
        'Waits for one: `connect()` fails. Where it connects anew after a lost link, it subscribes before the answer, which ' +
        'the server ignores: connected, and deaf.',
    ours: 'Waits for the answer before it says anything else.',

    async run(world) {
        const official = await world.beforeServer('official');
        const ours = await world.beforeServer('ours');
        for (const { proxy } of [official, ours]) {
            proxy.stallMs = SLOW_MS;
            await proxy.listen();
        }
        await assert.rejects(official.app.do('connect'), /Authentication failed while opening/);
        await ours.app.do('connect');
        return afterLoss(world);
    },
};

/** The same, on the link after the first. */
async function afterLoss(world) {
    const { official, ours } = await world.both();
    for (const { app, proxy } of [official, ours]) {
        proxy.stallMs = SLOW_MS;
        proxy.reset();
    }
    await until(() => ours.app.told('posts', 'init').length === 2, 'the snapshot after the gap');
    await until(() => official.app.do('isConnected'), 'the link');
    await patience();
    const title = world.name('later');
    await world.create('posts', title);
    await ours.app.has('posts', title, 'create');
    await patience();

    assert.equal(await official.app.do('isConnected'), true);
    assert.equal(official.app.told('posts', 'init').length, 1);
    assert.deepEqual(official.app.titles('posts'), []);
    return { official: '0 of 1 events', ours: '1 of 1 events' };
}
