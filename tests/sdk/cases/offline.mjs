import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';

export default {
    title: 'An unsubscribe while the link is down',
    official: 'Throws, and subscribes again when the link is back: the events go on.',
    ours: 'Is done at once. The events have ended.',

    async run(world) {
        const { official, ours } = await world.both();
        for (const { app, proxy } of [official, ours]) {
            await app.do('whenLost', 'unsubscribe', 'posts');
            proxy.reset();
            await until(() => app.obeyed, 'the unsubscribe');
        }
        await until(() => official.app.told('posts', 'init').length > 1, 'the next snapshot');
        await until(() => ours.app.do('isConnected'), 'the next link');
        const title = world.name('later');
        await world.create('posts', title);
        await official.app.has('posts', title);
        await patience();

        assert.match(official.app.obeyed.words, /Cannot send messages without an open connection/);
        assert.equal(ours.app.obeyed.words, undefined);
        assert.equal(ours.app.told('posts').length, 1);
        assert.deepEqual(ours.app.titles('posts'), []);
        return { official: '1 event too many', ours: 'none' };
    },
};
