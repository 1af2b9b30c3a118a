import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';

/** Twice the heartbeat, and more. */
const HEARTBEATS_MS = 150_000;

export default {
    title: 'A half-open link: nothing passes any more, and nobody is told',
    official: 'Does not notice: connected, so it says, and deaf.',
    ours: 'Notices by its heartbeat, makes a new link; a fresh snapshot has what was missed, and the events go on.',
    isLong: true,

    async run(world) {
        const { official, ours } = await world.both();
        official.proxy.halfOpen();
        ours.proxy.halfOpen();
        const [missed, later] = [world.name('missed'), world.name('later')];
        await world.create('posts', missed);
        await until(() => ours.app.titles('posts').includes(missed), 'what was missed', HEARTBEATS_MS);
        await world.create('posts', later);
        await ours.app.has('posts', later);
        await patience();

        assert.deepEqual(ours.app.titles('posts'), [missed, later]);
        assert.equal(official.proxy.accepted, 1);
        assert.equal(await official.app.do('isConnected'), true);
        assert.deepEqual(official.app.titles('posts'), []);
        return { official: '0 of 2 changes', ours: '2 of 2 changes' };
    },
};
