import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

export default {
    title: 'One refused subscription among others',
    official: 'Ends all subscriptions with that error.',
    ours: 'Ends that subscription with its reason; the others continue.',

    async run(fixture) {
        const subscriptions = [
            ['posts', 'posts', fixture.matching()],
            ['authors', 'authors', fixture.matching('name')],
        ];
        const { official, ours } = await fixture.both({ token: 'reader-token' }, subscriptions);
        for (const { app } of [official, ours]) {
            await app.do('subscribe', 'secrets', 'secrets', {});
            await until(() => app.reportsOf('secrets', 'ended').length > 0, 'the refusal');
        }
        const [post, author] = [fixture.name('post'), fixture.name('author')];
        await fixture.create('posts', post);
        await fixture.create('authors', author);
        await ours.app.has('posts', post);
        await ours.app.has('authors', author);
        await quietPeriod();

        assert.match(ours.app.reportsOf('secrets', 'ended')[0].message, /FORBIDDEN/);
        for (const name of ['posts', 'authors']) {
            assert.deepEqual(ours.app.reportsOf(name, 'ended'), []);
            assert.match(official.app.reportsOf(name, 'ended')[0].message, /FORBIDDEN/);
            assert.deepEqual(official.app.titles(name), []);
        }
        return { official: '0 of 2 other subscriptions left', ours: '2 of 2 other subscriptions left' };
    },
};
