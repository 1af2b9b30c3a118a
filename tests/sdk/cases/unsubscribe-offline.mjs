import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

export default {
    title: 'An unsubscribe while the link is down',
    official: 'Throws, and subscribes again when the link is back: events continue.',
    ours: 'Succeeds at once. No more events are delivered.',

    async run(fixture) {
        const { official, ours } = await fixture.both();
        for (const { app, proxy } of [official, ours]) {
            await app.do('whenLost', 'unsubscribe', 'posts');
            proxy.reset();
            await until(() => app.commandResult, 'the unsubscribe');
        }
        await until(() => official.app.reportsOf('posts', 'init').length > 1, 'the next snapshot');
        await until(() => ours.app.do('isConnected'), 'the next link');
        const title = fixture.name('later');
        await fixture.create('posts', title);
        await official.app.has('posts', title);
        await quietPeriod();

        assert.match(official.app.commandResult.message, /Cannot send messages without an open connection/);
        assert.equal(ours.app.commandResult.message, undefined);
        assert.equal(ours.app.reportsOf('posts').length, 1);
        assert.deepEqual(ours.app.titles('posts'), []);
        return { official: '1 event too many', ours: 'none' };
    },
};
