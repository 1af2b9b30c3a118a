import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

const SLOW_MS = 2000;

export default {
    title: 'An authentication reply that takes two seconds',
    official:
        'Times out after one: `connect()` fails. When it reconnects, it subscribes before the reply, which the server ' +
        'ignores: it is connected, and gets no events.',
    ours: 'Sends nothing before the reply.',

    async run(fixture) {
        const official = await fixture.beforeServer('official');
        const ours = await fixture.beforeServer('ours');
        for (const { proxy } of [official, ours]) {
            proxy.stallMs = SLOW_MS;
            await proxy.listen();
        }
        await assert.rejects(official.app.do('connect'), /Authentication failed while opening/);
        await ours.app.do('connect');
        return afterLoss(fixture);
    },
};

/** The same, on the link after the first. */
async function afterLoss(fixture) {
    const { official, ours } = await fixture.both();
    for (const { app, proxy } of [official, ours]) {
        proxy.stallMs = SLOW_MS;
        proxy.reset();
    }
    await until(() => ours.app.reportsOf('posts', 'init').length === 2, 'the snapshot after the gap');
    await until(() => official.app.do('isConnected'), 'the link');
    await quietPeriod();
    const title = fixture.name('later');
    await fixture.create('posts', title);
    await ours.app.has('posts', title, 'create');
    await quietPeriod();

    assert.equal(await official.app.do('isConnected'), true);
    assert.equal(official.app.reportsOf('posts', 'init').length, 1);
    assert.deepEqual(official.app.titles('posts'), []);
    return { official: '0 of 1 events', ours: '1 of 1 events' };
}
