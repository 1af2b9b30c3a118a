import assert from 'node:assert/strict';
import { until } from '../waiting.mjs';

/** The server sends a ping every thirty seconds, and closes a link that has not answered before the next. */
const HEARTBEATS_MS = 150_000;

export default {
    title: 'A callback that throws',
    official:
        'Ends its own loop: no callback gets any more messages, and the heartbeat is not answered, so the server closes ' +
        'the link.',
    ours: 'Reports the exception. Events continue, and the link stays open.',
    isLong: true,

    async run(fixture) {
        const { official, ours } = await fixture.both({ catching: true });
        const [bad, next] = [fixture.name('bad'), fixture.name('next')];
        await official.app.do('listen', 'listener', bad);
        await ours.app.do('subscribe', 'listener', 'posts', fixture.matching(), bad);
        await until(() => ours.app.reportsOf('listener', 'init').length > 0, 'the snapshot');
        await fixture.create('posts', bad);
        for (const { app } of [official, ours]) {
            await app.has('listener', bad);
            await until(() => app.uncaught, 'the exception');
        }
        await fixture.create('posts', next);
        await ours.app.has('listener', next);
        // It reconnects a second later.
        const { proxy } = official;
        await until(() => proxy.links === 0 || proxy.accepted > 1, 'the end of the link', HEARTBEATS_MS);

        assert.deepEqual(official.app.titles('listener'), [bad]);
        assert.deepEqual(ours.app.titles('listener'), [bad, next]);
        assert.equal(ours.proxy.links, 1);
        assert.equal(ours.proxy.accepted, 1);
        for (const { app } of [official, ours]) {
            assert.equal(app.uncaught, 'Error: the callback has failed');
        }
        return { official: '1 of 2 events', ours: '2 of 2 events' };
    },
};
