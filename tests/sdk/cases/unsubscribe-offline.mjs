import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

export default {
    title: 'An unsubscribe while the link is down',
    official: 'Throws, and subscribes again when the link is back: events continue.',
    ours: 'Succeeds at once. No more events are delivered.',

    async run(fixture) {
        const unsubscribeWhenLost = ({ app }) => app.do('whenLost', 'unsubscribe', 'posts');
        const official = await fixture.afterLoss('official', unsubscribeWhenLost);
        const ours = await fixture.one('ours');
        await unsubscribeWhenLost(ours);
        ours.proxy.reset();
        for (const { app } of [official, ours]) {
            await until(() => app.commandResult, 'the unsubscribe');
        }
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
