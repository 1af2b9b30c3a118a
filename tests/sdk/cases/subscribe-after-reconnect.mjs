import assert from 'node:assert/strict';
import { until } from '../waiting.mjs';

export default {
    title: 'A new subscription after a reconnect',
    official: 'Reuses the uid of an older one: each of the two gets events of the other.',
    ours: 'Has a uid of its own. Each gets its own events.',

    async run(fixture) {
        const official = await fixture.afterLoss('official');
        const ours = await fixture.afterLoss('ours');
        for (const { app } of [official, ours]) {
            await app.do('subscribe', 'authors', 'authors', fixture.matching('name'));
        }
        await until(() => ours.app.reportsOf('authors', 'init').length > 0, 'the snapshot of the new one');
        const author = fixture.name('author');
        await until(async () => {
            await fixture.create('authors', author);
            return official.app.titles('posts').includes(author);
        }, 'an author among the posts');
        const post = fixture.name('post');
        await fixture.create('posts', post);
        await ours.app.has('posts', post);
        await ours.app.has('authors', author);

        assert.deepEqual(ours.app.titles('posts'), [post]);
        assert.deepEqual(new Set(ours.app.titles('authors')), new Set([author]));
        return { official: 'an author among the posts', ours: 'authors and posts' };
    },
};
