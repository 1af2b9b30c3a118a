import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
import { startServer } from './server.mjs';
import { collector, until } from './waiting.mjs';

let server;
before(async () => {
    server = await startServer();
});
after(() => server.close());

function open(t, options = {}) {
    const client = createClient(server.url, { accessToken: server.token, ...options });
    t.after(() => client.close());
    return client;
}

const isError = (code, pattern) => (error) => {
    assert.ok(error instanceof DirectusRealtimeError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
};

describe('connecting', () => {
    it('a client reports each state once, in order, with its reason, and ends closed', async (t) => {
        const client = open(t);
        const seen = [];
        client.on('state', ({ state, message }) => {
            assert.equal(typeof message, 'string');
            seen.push(state);
        });
        client.on('connected', ({ state }) => seen.push(`on ${state}`));
        client.on('disconnected', ({ state }) => seen.push(`off ${state}`));
        assert.equal(client.state, 'idle');
        assert.equal(client.isConnected, false);
        await client.connected();
        assert.equal(client.isConnected, true);
        await client.connected();
        client.disconnect();
        assert.equal(client.state, 'idle');
        await client.connected();
        await client.close();
        assert.equal(client.state, 'closed');
        const up = ['connecting', 'authenticating', 'connected', 'on connected'];
        assert.deepEqual(seen, [...up, 'idle', 'off idle', ...up, 'closed', 'off closed']);
    });

    it('connected() rejects with the reason when the server refuses the credentials', async (t) => {
        const client = open(t, { accessToken: 'wrong' });
        await assert.rejects(client.connected(), isError('DRT_ERR_AUTH', /access token/));
        assert.equal(client.state, 'failed');
        client.setToken(server.token);
        await until(() => client.isConnected, 'the connection with the right token');
    });

    it('a client authenticates with the tokens that getToken returns', async (t) => {
        const asked = [];
        const client = open(t, {
            accessToken: undefined,
            getToken: async (error) => {
                asked.push(error?.code);
                return asked.length === 1 ? 'wrong' : server.token;
            },
        });
        await client.connected();
        assert.deepEqual(asked, [undefined, 'DRT_ERR_AUTH']);
    });

    it('a client logs in with email and password', async (t) => {
        const credentials = { email: 'admin@example.com', password: 'd1r3ctu5-dev' };
        const client = open(t, { accessToken: undefined, ...credentials });
        await client.connected();
        assert.equal((await client.request({ type: 'ping' })).type, 'pong');
    });

    it('a getToken that throws is a warning, and is called again', async (t) => {
        const warned = once(process, 'warning');
        let calls = 0;
        const client = open(t, {
            accessToken: undefined,
            ackTimeoutMs: 1000,
            reconnectMinMs: 1,
            reconnectMaxMs: 10,
            getToken: () => {
                if (++calls === 1) {
                    throw new Error('the vault is shut');
                }
                return server.token;
            },
        });
        await client.connected().catch(() => client.connected());
        assert.match((await warned)[0].message, /the vault is shut/);
    });

    it('connected() rejects after its timeout, and when its signal is aborted', async (t) => {
        const client = createClient('http://127.0.0.1:1', { accessToken: 'x', reconnectMinMs: 60_000 });
        t.after(() => client.close());
        await assert.rejects(client.connected({ timeoutMs: 20 }), isError('DRT_ERR_TIMEOUT', /20 ms/));
        const abort = new AbortController();
        const waiting = client.connected({ signal: abort.signal });
        abort.abort(new Error('enough'));
        await assert.rejects(waiting, /enough/);
        await assert.rejects(client.connected({ signal: abort.signal }), /enough/);
    });

    it('a client tries replicas in turn', async (t) => {
        const client = createClient(['http://127.0.0.1:1', server.url], {
            accessToken: server.token,
            reconnectMinMs: 1,
        });
        t.after(() => client.close());
        await client.connected();
    });

    it('reconnect() opens a new link and brings subscriptions up to date', async (t) => {
        const client = open(t);
        const collect = collector();
        await client.subscribe({ collection: 'codes' }, collect).ready();
        client.reconnect();
        assert.equal((await collect.find('init', (event) => event.resync)).data.length, 0);
        assert.equal(client.stats().reconnects, 1);
    });
});

describe('misuse', () => {
    it('the error of a wrong argument names the argument', async (t) => {
        assert.throws(() => createClient('ftp://x'), isError('DRT_ERR_INVALID_ARGUMENT', /scheme/));
        assert.throws(() => createClient(undefined), isError('DRT_ERR_INVALID_ARGUMENT', /`url`/));
        assert.throws(() => createClient('http://x', { authMode: 'secret' }), /`authMode` is 'secret'/);
        assert.throws(() => createClient('http://x', { heartbeatMs: -1 }), /`heartbeatMs` is -1/);
        assert.throws(() => createClient('http://x', { accessToken: 7 }), /`accessToken` is not a string/);
        assert.throws(() => createClient('http://x', { headers: { a: 'b\r\nc: d' } }), /line breaks/);
        const client = open(t);
        const wrong = isError('DRT_ERR_INVALID_ARGUMENT', /./);
        assert.throws(() => client.subscribe({}), wrong);
        assert.throws(() => client.subscribe({ collection: 'posts' }, 'handler'), wrong);
        assert.throws(() => client.subscribe({ collection: 'posts', event: 'wipe' }), /`event` is 'wipe'/);
        assert.throws(() => client.subscribe({ collection: 'posts', query: { n: NaN } }), /`query\.n`.*JSON/);
        assert.throws(() => client.sendMessage({ no: 'type' }), DirectusRealtimeError);
        assert.throws(() => client.sendMessage(undefined), /missing/);
        await assert.rejects(client.request({ type: 'auth' }), DirectusRealtimeError);
        assert.throws(() => client.setToken(''), /accessToken/);
    });

    it('methods of a closed client throw, except those that clean up', async (t) => {
        const client = open(t);
        const scope = client.scope();
        const subscription = scope.subscribe({ collection: 'posts', uid: 'gone' }, () => {});
        const first = client.close();
        assert.equal(client.close(), first);
        await first;
        const closed = isError('DRT_ERR_CLOSED', /closed/);
        for (const call of [
            () => client.connect(),
            () => client.subscribe({ collection: 'posts' }),
            () => client.sendMessage({ type: 'ping' }),
            () => client.scope(),
            () => client.stats(),
            () => scope.subscribe({ collection: 'posts' }),
        ]) {
            assert.throws(call, closed);
        }
        await assert.rejects(client.connected(), closed);
        await assert.rejects(client.request({ type: 'ping' }), closed);
        await assert.rejects(subscription.ready(), isError('DRT_ERR_CLOSED', /'gone' has ended/));
        subscription.unsubscribe();
        scope.close();
        assert.equal(subscription.ended, true);
        assert.equal(client.unsubscribe('gone'), false);
        assert.equal(client.unsubscribeAll(), 0);
        assert.equal(client.hasSubscription('gone'), false);
        assert.deepEqual(client.getActiveSubscriptions(), []);
    });
});

describe('messages', () => {
    it('request() resolves with the reply to its own message', async (t) => {
        const client = open(t);
        await client.connected();
        const pong = await client.request({ type: 'ping', uid: 'mine' });
        assert.deepEqual(pong, { type: 'pong', uid: 'mine' });
        client.sendMessage({ type: 'ping', data: { timestamp: Date.now() } });
        const many = await Promise.all(
            Array.from({ length: 100 }, (_, n) => client.request({ type: 'ping', uid: String(n) })),
        );
        assert.deepEqual(
            many.map((answer) => answer.uid),
            Array.from({ length: 100 }, (_, n) => String(n)),
        );
    });

    it('request() rejects with the code and message of the server', async (t) => {
        const client = open(t);
        await client.connected();
        await assert.rejects(client.items('no_such').read(), (error) => {
            assert.equal(error.code, 'DRT_ERR_SERVER');
            assert.equal(error.server.code, 'FORBIDDEN');
            assert.match(error.message, /no_such/);
            return true;
        });
    });

    it('a request without a reply ends by its timeout, its signal, a lost link, or close()', async (t) => {
        const client = open(t);
        const silence = { type: 'no such type' };
        assert.throws(() => client.sendMessage(silence), isError('DRT_ERR_NOT_CONNECTED', /no usable link/));
        await client.connected();
        await assert.rejects(
            client.request(silence, { timeoutMs: 30 }),
            isError('DRT_ERR_TIMEOUT', /did not answer within 30 ms/),
        );
        const abort = new AbortController();
        const aborted = client.request(silence, { signal: abort.signal });
        abort.abort(new Error('enough'));
        await assert.rejects(aborted, /enough/);
        const lost = client.request(silence);
        client.reconnect();
        await assert.rejects(
            lost,
            isError('DRT_ERR_NOT_CONNECTED', /reconnected before the server answered/),
        );
        await client.connected();
        const left = client.request(silence);
        await Promise.all([client.close(), assert.rejects(left, DirectusRealtimeError)]);
    });
});

describe('items', () => {
    it('items() creates, reads, updates and deletes one item or several', async (t) => {
        const client = open(t);
        await client.connected();
        const posts = client.items('posts');
        const one = await posts.create({ title: 'one', status: 'draft' });
        assert.equal(one.title, 'one');
        const [two, three] = await posts.create([{ title: 'two' }, { title: 'three' }], { fields: ['id'] });
        assert.deepEqual(Object.keys(two), ['id']);
        assert.equal((await posts.read(one.id)).title, 'one');
        assert.deepEqual(await posts.read(two.id, { fields: ['title'] }), { title: 'two' });
        const some = await posts.read([one.id, three.id, 4711], { fields: ['title'] });
        assert.deepEqual(some, [{ title: 'one' }, { title: 'three' }]);
        assert.deepEqual(await posts.read([]), []);
        const found = await posts.read({ filter: { title: { _eq: 'three' } }, fields: ['id'] });
        assert.deepEqual(found, [{ id: three.id }]);
        assert.equal((await posts.update(one.id, { title: 'first' })).title, 'first');
        const changed = await posts.update([two.id, three.id], { status: 'published' });
        assert.deepEqual(
            changed.map((post) => post.status),
            ['published', 'published'],
        );
        assert.deepEqual(await posts.update([], { status: 'lost' }), []);
        await posts.delete(one.id);
        await posts.delete([two.id, three.id]);
        await posts.delete([]);
        assert.deepEqual(await posts.read(), []);
    });

    it('items() works for singletons and for string keys', async (t) => {
        const client = open(t);
        await client.connected();
        const settings = client.items('settings_one');
        assert.equal((await settings.updateSingleton({ title: 'ours' })).title, 'ours');
        assert.equal((await settings.read()).title, 'ours');
        const codes = client.items('codes');
        await codes.create({ code: 'a/b c', label: 'odd' });
        assert.equal((await codes.read('a/b c')).label, 'odd');
        await codes.delete('a/b c');
    });

    it('items() never takes the key 0 for all items', async (t) => {
        const client = open(t);
        await client.connected();
        const posts = client.items('posts');
        const kept = await posts.create({ title: 'kept' });
        await assert.rejects(posts.read(0), isError('DRT_ERR_SERVER', /FORBIDDEN/));
        await assert.rejects(posts.update(0, { title: 'lost' }), isError('DRT_ERR_SERVER', /FORBIDDEN/));
        await posts.delete(0);
        assert.deepEqual(
            (await posts.read()).map((post) => post.title),
            ['kept'],
        );
        await assert.rejects(async () => posts.delete(''), /primary key/);
        await posts.delete(kept.id);
    });
});
