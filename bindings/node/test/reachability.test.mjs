// What programs learn while the server cannot be reached, or refuses them.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { collector, until } from './waiting.mjs';

/** Nothing listens there. */
const CLOSED = 'http://127.0.0.1:9';
const REFUSED = /127\.0\.0\.1:9 refused the connection: is the server running\?/;
const TOKEN = 'the right one';

const isError = (code, pattern) => (error) => {
    assert.equal(error.code, code, String(error));
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /next attempt/);
    return true;
};

function open(t, url, options = {}) {
    const client = createClient(url, { accessToken: TOKEN, reconnectMaxMs: 20, ...options });
    t.after(() => client.close());
    return client;
}

/** Answers a write. */
function write({ type, action, uid, data }, link) {
    if (type === 'items' && action !== 'read') {
        link.send({ type, data: { id: 1, ...data }, uid });
    }
}

/** A client that cannot connect, and has reported why. */
async function openUnreachable(t, options) {
    const client = open(t, CLOSED, options);
    const failed = new Promise((resolve) => {
        client.on('state', ({ state }) => state === 'backoff' && resolve());
    });
    client.connect();
    await failed;
    return client;
}

/** Answers writes, and takes only the right token. */
async function startServer(t) {
    const server = await startScriptedServer({ tokens: [TOKEN], onMessage: write });
    t.after(() => server.close());
    return server;
}

/** A port that is free, for a server that comes later. */
async function startLater(t, delay) {
    const first = await startScriptedServer();
    await first.close();
    const started = (async () => {
        await sleep(delay);
        return startScriptedServer({ port: first.port, onMessage: write });
    })();
    t.after(async () => (await started).close());
    return first.url;
}

describe('waits that time out', () => {
    it('connected() that times out says why the client is not connected', async (t) => {
        const client = await openUnreachable(t);
        const pattern = new RegExp(`^the client was not connected within 300 ms: ${REFUSED.source}$`);
        await assert.rejects(client.connected({ timeoutMs: 300 }), isError('DRT_ERR_TIMEOUT', pattern));
        await assert.rejects(client.connected({ timeoutMs: 300 }), ({ cause }) => {
            assert.equal(cause.code, 'DRT_ERR_IO');
            return true;
        });
    });

    it('ready() that times out says why the client is not connected', async (t) => {
        const posts = (await openUnreachable(t)).subscribe({ collection: 'posts', uid: 'mine' });
        const pattern = new RegExp(`subscription 'mine' within 300 ms: ${REFUSED.source}$`);
        await assert.rejects(posts.ready({ timeoutMs: 300 }), isError('DRT_ERR_TIMEOUT', pattern));
    });

    it('a request that times out unsent says why the client is not connected', async (t) => {
        const client = await openUnreachable(t);
        const pattern = new RegExp(`^nothing was sent, .* within 300 ms: ${REFUSED.source}$`);
        const late = isError('DRT_ERR_TIMEOUT', pattern);
        const options = { timeoutMs: 300 };
        const posts = client.items('posts');
        await Promise.all(
            [
                client.request({ type: 'ping' }, options),
                posts.create({ title: 'x' }, undefined, options),
                posts.read(1, undefined, options),
                posts.update(1, { title: 'x' }, options),
                posts.delete(1, options),
            ].map((request) => assert.rejects(request, late)),
        );
        assert.equal(client.stats().framesOut, 0);
    });

    it('requests without timeoutMs time out after ackTimeoutMs', async (t) => {
        const posts = open(t, CLOSED, { ackTimeoutMs: 200 }).items('posts');
        await assert.rejects(posts.create({}), isError('DRT_ERR_TIMEOUT', /within 200 ms/));
    });
});

describe('a request', () => {
    it('a request connects a new client, and is sent when it is connected', async (t) => {
        const { url } = await startServer(t);
        assert.equal((await open(t, url).items('posts').create({ title: 'first' })).title, 'first');
        assert.equal((await open(t, url).request({ type: 'ping' })).type, 'pong');
    });

    it('a request waits for a server that starts later', async (t) => {
        const client = open(t, await startLater(t, 300));
        assert.deepEqual(await client.items('posts').create({ title: 'x' }), { id: 1, title: 'x' });
    });

    it('a request waits while a lost link is replaced', async (t) => {
        const client = open(t, (await startServer(t)).url);
        await client.connected();
        client.reconnect();
        assert.equal((await client.items('posts').create({ title: 'x' })).id, 1);
    });

    it('a request rejects at once when the client is disconnected, and does not connect it', async (t) => {
        const client = open(t, (await startServer(t)).url);
        await client.connected();
        client.disconnect();
        const posts = client.items('posts');
        await assert.rejects(posts.create({}), isError('DRT_ERR_NOT_CONNECTED', /disconnected/));
        assert.equal(client.state, 'idle');
        client.connect();
        await posts.create({});
    });

    it('a request that waits for a link ends with its signal, and with the client', async (t) => {
        const client = open(t, CLOSED);
        const abort = new AbortController();
        const aborted = client.request({ type: 'ping' }, { signal: abort.signal });
        const closed = client.request({ type: 'ping' });
        abort.abort(new Error('enough'));
        await assert.rejects(aborted, /enough/);
        await Promise.all([client.close(), assert.rejects(closed, isError('DRT_ERR_CLOSED', /closed/))]);
    });

    it('an invalid request is refused without waiting for a link', async (t) => {
        const client = open(t, CLOSED);
        await assert.rejects(
            client.request({ type: 'auth' }),
            isError('DRT_ERR_INVALID_ARGUMENT', /set the access token instead/),
        );
    });
});

describe('a client that has failed', () => {
    const refused = isError('DRT_ERR_AUTH', /access token/);

    it('a failed client rejects pending and new waits with its reason', async (t) => {
        const client = open(t, (await startServer(t)).url, { accessToken: 'wrong' });
        client.on('state', () => {});
        const posts = client.subscribe({ collection: 'posts' });
        await Promise.all(
            [
                client.connected(),
                posts.ready(),
                client.request({ type: 'ping' }),
                posts[Symbol.asyncIterator]().next(),
            ].map((waiting) => assert.rejects(waiting, refused)),
        );
        assert.equal(client.state, 'failed');
        await assert.rejects(posts.ready(), refused);
        await assert.rejects(client.items('posts').create({}), refused);
        await assert.rejects(posts[Symbol.asyncIterator]().next(), refused);
        assert.equal(client.state, 'failed');
        assert.equal(posts.ended, false);
    });

    it('a failed client ends loops with its reason, and after setToken a new loop continues', async (t) => {
        const client = open(t, (await startServer(t)).url, { accessToken: 'wrong' });
        client.on('state', () => {});
        const posts = client.subscribe({ collection: 'posts' });
        const loop = async () => {
            for await (const { type } of posts) {
                return type;
            }
        };
        await assert.rejects(loop(), refused);
        await assert.rejects(loop(), refused);
        assert.equal(client.hasSubscription(posts.uid), true);
        client.setToken(TOKEN);
        assert.equal(await loop(), 'init');
    });

    it('a loop gets the events that wait before the failure of the client', async (t) => {
        const server = await startServer(t);
        const client = open(t, server.url);
        client.on('state', () => {});
        const posts = client.subscribe({ collection: 'posts' });
        await posts.ready();
        client.setToken('wrong');
        await until(() => client.state === 'failed', 'the failure');
        const iterator = posts[Symbol.asyncIterator]();
        assert.equal((await iterator.next()).value.type, 'init');
        await assert.rejects(iterator.next(), refused);
        // As with a generator that has thrown.
        assert.deepEqual(await iterator.next(), { value: undefined, done: true });
        await iterator.return();
        assert.equal(posts.ended, false);
    });

    it('a failed client ends a loop beside a callback, and the callback goes on', async (t) => {
        const client = open(t, (await startServer(t)).url, { accessToken: 'wrong' });
        client.on('state', () => {});
        const collect = collector();
        const posts = client.subscribe({ collection: 'posts' }, collect);
        const [one, two] = [posts[Symbol.asyncIterator](), posts[Symbol.asyncIterator]()];
        await Promise.all([one, two].map((each) => assert.rejects(each.next(), refused)));
        client.setToken(TOKEN);
        await collect.find('init');
        assert.equal((await one.next()).done, true);
        posts.unsubscribe();
    });
});

describe('warnings', () => {
    let warnings;
    const warn = (warning) => void warnings.push(warning);
    beforeEach(() => {
        warnings = [];
        process.on('warning', warn);
    });
    afterEach(() => process.off('warning', warn));

    it('without a state listener, a first attempt that fails is one warning', async (t) => {
        const client = open(t, CLOSED);
        client.connect();
        await until(() => warnings.length > 0, 'a warning');
        await sleep(200);
        assert.equal(warnings.length, 1);
        const [{ name, code, message, detail }] = warnings;
        assert.deepEqual([name, code], ['DirectusRealtimeWarning', 'DRT_ERR_IO']);
        assert.match(message, REFUSED);
        assert.doesNotMatch(message, /next attempt/);
        assert.match(detail, /client\.on\('state'/);
    });

    it('without a state listener, a failure is one warning for each reason', async (t) => {
        const client = open(t, (await startServer(t)).url, { accessToken: 'wrong' });
        await assert.rejects(client.connected());
        client.setToken('wrong, too');
        await until(() => client.state === 'failed', 'the second failure');
        await sleep(50);
        assert.deepEqual(
            warnings.map(({ code }) => code),
            ['DRT_ERR_AUTH'],
        );
        assert.match(warnings[0].message, /failed.*access token/);
    });

    it('without a state listener, a lost link is no warning', async (t) => {
        const client = open(t, (await startServer(t)).url);
        await client.connected();
        client.reconnect();
        await client.connected();
        await sleep(50);
        assert.deepEqual(warnings, []);
    });

    it("the package's own state listeners do not suppress the warning", async (t) => {
        const { useDirectusRealtime } = await import('directus-realtime/vue');
        const client = open(t, CLOSED);
        useDirectusRealtime(client);
        client.connect();
        await until(() => warnings.length > 0, 'a warning');
    });

    it('a state listener replaces the warning', async (t) => {
        const client = open(t, CLOSED);
        let failures = 0;
        client.on('state', ({ state }) => (failures += state === 'backoff'));
        client.connect();
        await until(() => failures > 1, 'failures');
        await sleep(20);
        assert.deepEqual(warnings, []);
    });
});

it('the diagnostics channel publishes every state of every client', async (t) => {
    const seen = [];
    const listener = ({ client, state, message, error }) => seen.push({ client, state, message, error });
    subscribe('directus-realtime:state', listener);
    t.after(() => unsubscribe('directus-realtime:state', listener));
    const { url } = await startServer(t);
    const [good, bad] = [open(t, url), open(t, url, { accessToken: 'wrong' })];
    bad.on('state', () => {});
    await Promise.all([good.connected(), assert.rejects(bad.connected())]);
    await good.close();
    const of = (client) => seen.filter((each) => each.client === client);
    assert.deepEqual(
        of(good).map(({ state }) => state),
        ['connecting', 'authenticating', 'connected', 'closed'],
    );
    const last = of(bad).at(-1);
    assert.equal(last.state, 'failed');
    assert.equal(last.error.code, 'DRT_ERR_AUTH');
    assert.match(last.message, /access token/);
});

describe('getToken', () => {
    it('getToken is not called again while its promise is pending', async (t) => {
        let calls = 0;
        const client = open(t, (await startServer(t)).url, {
            accessToken: undefined,
            ackTimeoutMs: 30,
            getToken: () => new Promise(() => calls++),
        });
        let timeouts = 0;
        client.on('state', ({ state }) => (timeouts += state === 'backoff'));
        client.connect();
        await until(() => timeouts > 3 || calls > 1, 'attempts that time out');
        assert.equal(calls, 1);
    });

    it('getToken may resolve late, and is called again when its token is refused', async (t) => {
        const asked = [];
        const client = open(t, (await startServer(t)).url, {
            accessToken: undefined,
            ackTimeoutMs: 200,
            getToken: async (error) => {
                asked.push(error?.code);
                await sleep(600);
                return asked.length === 1 ? 'wrong' : TOKEN;
            },
        });
        client.on('state', () => {});
        await client.connected();
        assert.deepEqual(asked, [undefined, 'DRT_ERR_AUTH']);
    });

    it('getToken is called again after it has thrown', async (t) => {
        let calls = 0;
        const client = open(t, (await startServer(t)).url, {
            accessToken: undefined,
            ackTimeoutMs: 200,
            getToken: () => {
                if (++calls < 3) {
                    throw new Error('the vault is shut');
                }
                return TOKEN;
            },
        });
        client.on('state', () => {});
        await client.connected();
        assert.equal(calls, 3);
    });
});
