import assert from 'node:assert/strict';
import { patience, until } from '../waiting.mjs';

export default {
    title: 'One refused subscription among good ones',
    official: 'Ends every subscription with that error.',
    ours: 'Ends that one, and says why; the others go on.',

    async run(world) {
        const subscriptions = [
            ['posts', 'posts', world.matching()],
            ['authors', 'authors', world.matching('name')],
        ];
        const { official, ours } = await world.both({ token: 'reader-token' }, subscriptions);
        for (const { app } of [official, ours]) {
            await app.do('subscribe', 'secrets', 'secrets', {});
            await until(() => app.told('secrets', 'ended').length > 0, 'the refusal');
        }
        const [post, author] = [world.name('post'), world.name('author')];
        await world.create('posts', post);
        await world.create('authors', author);
        await ours.app.has('posts', post);
        await ours.app.has('authors', author);
        await patience();

        assert.match(ours.app.told('secrets', 'ended')[0].words, /FORBIDDEN/);
        for (const name of ['posts', 'authors']) {
            assert.deepEqual(ours.app.told(name, 'ended'), []);
            assert.match(official.app.told(name, 'ended')[0].words, /FORBIDDEN/);
            assert.deepEqual(official.app.titles(name), []);
        }
        return { official: '0 of 2 good subscriptions left', ours: '2 of 2 good subscriptions left' };
    },
};
