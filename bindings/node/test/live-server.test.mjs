// Live collections against a real server: their rows are the server's own answer at quiet moments.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { follower } from './folding.mjs';
import { startServer } from './server.mjs';
import { until } from './waiting.mjs';

/** So long after the last write, the rows are the server's. */
const QUIET_MS = 2_000;
const TIMEOUT = { timeoutMs: 60_000 };

const QUERIES = {
    'all rows': {},
    'a filter': { filter: { status: { _eq: 'published' } } },
    'a window': { sort: ['-title'], limit: 5, offset: 2 },
    'a sort key': { fields: ['id', 'status', 'title'], sort: ['status', '-id'] },
    'a search': { search: 'even' },
};

let server, rest;
before(async () => {
    server = await startServer();
    rest = server.rest;
});
after(() => server.close());

/** The server's answer to a query. */
function answer(query) {
    const written = Object.entries({ limit: -1, ...query }).map(([name, value]) => [
        name,
        Array.isArray(value)
            ? value.join()
            : typeof value === 'object'
              ? JSON.stringify(value)
              : String(value),
    ]);
    return rest.read('posts', new URLSearchParams(written));
}

/** Checks that each live collection has the rows of the server, and that its updates led there. */
async function check(lives, when) {
    await sleep(QUIET_MS);
    for (const { name, query, posts, follow } of lives) {
        await until(() => posts.status === 'current', `${name} to be current`);
        assert.deepEqual(posts.rows, await answer(query), `${name} ${when}`);
        assert.deepEqual(follow.rows, posts.rows, `${name} by its updates, ${when}`);
        follow.rows.forEach((row, at) => assert.equal(row, posts.rows[at]));
    }
}

const STATUSES = ['draft', 'published', 'archived'];

/** Creates, changes and deletes posts for a while. */
async function write(seed) {
    const own = [];
    for (let step = 0; step < 25; step++) {
        const number = step * 7 + seed;
        const title = `${number % 2 === 0 ? 'even' : 'odd'} ${(number * 37) % 100}`;
        const status = STATUSES[number % 3];
        const any = own[number % Math.max(1, own.length)];
        if (number % 5 < 2 || any === undefined) {
            own.push((await rest.create('posts', { title, status })).id);
        } else if (number % 5 === 2 && own.length > 3) {
            own.splice(own.indexOf(any), 1);
            await rest.delete('posts', any);
        } else if (number % 5 === 3) {
            const keys = own.slice(0, 3);
            await rest.request('PATCH', '/items/posts', { keys, data: { status } });
        } else {
            await rest.update('posts', any, { title, status });
        }
    }
}

it('the rows are those of the server after writes and a restart', async (t) => {
    const client = createClient(server.url, { accessToken: server.token, reconnectMaxMs: 500 });
    t.after(() => client.close());
    for (const [at, status] of [...STATUSES, ...STATUSES, ...STATUSES].entries()) {
        await rest.create('posts', { title: `even ${at}`, status });
    }
    const lives = Object.entries(QUERIES).map(([name, query]) => {
        const follow = follower();
        return { name, query, follow, posts: client.live({ collection: 'posts', query }, follow) };
    });
    await Promise.all(lives.map(({ posts }) => posts.ready(TIMEOUT)));
    await check(lives, 'at first');

    await Promise.all([1, 2, 3].map(write));
    await check(lives, 'after three writers');

    const writing = write(4).catch(() => {});
    await server.kill();
    await writing;
    await server.start();
    await check(lives, 'after a restart');
    await write(5);
    await check(lives, 'after more writes');

    for (const { posts } of lives) {
        const { equal, rows } = await posts.verify(TIMEOUT);
        assert.deepEqual([equal, rows], [true, posts.rows.length]);
    }
    const before = lives[0].posts.rows;
    const { id } = await rest.create('posts', { title: 'the last one' });
    await until(() => lives[0].posts.get(id), 'the last one');
    lives[0].posts.rows.slice(0, -1).forEach((row, at) => assert.equal(row, before[at]));
});

it('the rows follow the collections on which they depend', async (t) => {
    const client = createClient(server.url, { accessToken: server.token });
    t.after(() => client.close());
    const relation = { collection: 'messages', field: 'user', related_collection: 'authors', schema: {} };
    await rest.request('POST', '/fields/messages', { field: 'user', type: 'integer', schema: {}, meta: {} });
    await rest.request('POST', '/relations', relation);
    const author = await rest.create('authors', { name: 'Ann' });
    await rest.create('messages', { text: 'hello', user: author.id });
    const query = { fields: ['id', 'text', 'user.name'] };
    const options = { collection: 'messages', query, dependsOn: ['authors'] };
    const messages = await client.live(options).ready(TIMEOUT);
    assert.equal(messages.rows[0].user.name, 'Ann');
    await rest.update('authors', author.id, { name: 'Anna' });
    await until(() => messages.rows[0].user.name === 'Anna', 'the new name');
});
