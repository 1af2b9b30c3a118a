import assert from 'node:assert/strict';
import { until } from '../waiting.mjs';

/** The server asks every thirty seconds, and ends a link that has not answered by the next time. */
const HEARTBEATS_MS = 150_000;

export default {
    title: 'A callback that throws',
    official:
        'Ends its own loop: no callback hears anything any more, nor does it answer the heartbeat, for which the server ' +
        'ends the link.',
    ours: 'Reports the exception; the events go on, and so does the link.',
    isLong: true,

    async run(world) {
        const { official, ours } = await world.both({ catching: true });
        const [bad, next] = [world.name('bad'), world.name('next')];
        await official.app.do('hear', 'heard', bad);
        await ours.app.do('subscribe', 'heard', 'posts', world.matching(), bad);
        await until(() => ours.app.told('heard', 'init').length > 0, 'the snapshot');
        await world.create('posts', bad);
        for (const { app } of [official, ours]) {
            await app.has('heard', bad);
            await until(() => app.uncaught, 'the exception');
        }
        await world.create('posts', next);
        await ours.app.has('heard', next);
        // It makes another one a second later.
        const { proxy } = official;
        await until(() => proxy.links === 0 || proxy.accepted > 1, 'the end of the link', HEARTBEATS_MS);

        assert.deepEqual(official.app.titles('heard'), [bad]);
        assert.deepEqual(ours.app.titles('heard'), [bad, next]);
        assert.equal(ours.proxy.links, 1);
        assert.equal(ours.proxy.accepted, 1);
        for (const { app } of [official, ours]) {
            assert.equal(app.uncaught, 'Error: the callback has failed');
        }
        return { official: '1 of 2 events', ours: '2 of 2 events' };
    },
};
