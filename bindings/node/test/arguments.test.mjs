// Wrong arguments of programs that no compiler has checked are refused by an error, never by a crash.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';

const require = createRequire(import.meta.url);
const NOWHERE = 'http://127.0.0.1:1';

const isError = (code, pattern) => (error) => {
    assert.ok(error instanceof DirectusRealtimeError, `${error?.stack}`);
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    // No names of the C ABI.
    assert.doesNotMatch(error.message, /NULL|DRT_|drt_|[a-z]_[a-z]|options\./);
    return true;
};
const invalid = (pattern) => isError('DRT_ERR_INVALID_ARGUMENT', pattern);

let server, client;
before(async () => {
    server = await startScriptedServer();
    client = createClient(server.url, { accessToken: 'x' });
    await client.connected();
});
after(async () => {
    await client.close();
    await server.close();
});

describe('strings', () => {
    // Among them numbers: koffi would take one for an address.
    const noStrings = [5, 1n, 0, NaN, true, {}, [], Symbol('s'), () => {}, 'a\0b', 'half \ud800'];

    it('a value that is no valid string names no subscription', () => {
        for (const value of [...noStrings, undefined, null, '']) {
            assert.equal(client.hasSubscription(value), false);
            assert.equal(client.unsubscribe(value), false);
        }
    });

    it('an option that is no valid string is refused, and the error names it', async () => {
        for (const value of noStrings) {
            const options = { collection: 'posts', uid: value };
            assert.throws(() => client.unsubscribeCollection(value), invalid(/^`collection` is /));
            assert.throws(() => client.setToken(value), invalid(/^`accessToken` is /));
            assert.throws(() => client.items(value), invalid(/^`collection` is /));
            assert.throws(() => client.subscribe({ collection: value }), invalid(/^`collection` is /));
            assert.throws(() => client.subscribe(options), invalid(/^`uid` is /));
            assert.throws(
                () => client.subscribe({ ...options, uid: 'x', primaryKey: value }),
                invalid(/`primaryKey`/),
            );
            assert.throws(() => createClient(value), invalid(/^`url` is /));
            assert.throws(() => createClient(NOWHERE, { password: value }), invalid(/^`password` is /));
            assert.throws(
                () => createClient(NOWHERE, { headers: { a: value } }),
                invalid(/^`headers\['a'\]` is /),
            );
        }
        assert.throws(() => client.unsubscribeCollection(), invalid(/^`collection` is missing/));
        assert.throws(() => client.setToken(''), invalid(/^`accessToken` is empty/));
        assert.throws(() => client.setToken(), invalid(/^`accessToken` is missing/));
        assert.deepEqual(client.getActiveSubscriptions(), []);
    });

    it('no call passes a value that is no valid string to the library', () => {
        const abi = require('../dist/abi/index.js').getAbi();
        for (const value of [...noStrings, undefined, null]) {
            for (const call of [
                () => abi.setToken(0n, value),
                () => abi.sendMessage(0n, value),
                () => abi.request(0n, value, 0, 1),
                () => abi.newClient({ url: value ?? 7 }),
                () => abi.subscribe(0n, { collection: value ?? 7 }, 1),
            ]) {
                assert.throws(call, { name: 'DirectusRealtimeError', code: 'DRT_ERR_INVALID_ARGUMENT' });
            }
        }
    });

    it('an error has the name of the argument, whether the package or the library refuses it', () => {
        const argument = (name) => ({ code: 'DRT_ERR_INVALID_ARGUMENT', argument: name });
        assert.throws(() => createClient(NOWHERE, { accessToken: 5 }), argument('accessToken'));
        assert.throws(() => createClient('ftp://host'), argument('url'));
        assert.throws(() => createClient(NOWHERE, { clientCertFile: 'x' }), argument('clientCertFile'));
        assert.throws(() => client.setToken(''), argument('accessToken'));
        assert.throws(() => client.sendMessage({ type: 5 }), argument('message'));
        assert.throws(() => client.subscribe({ collection: '' }), argument('collection'));
        assert.throws(() => client.subscribe({ colection: 'posts' }), argument('colection'));
    });

    it('a uid may contain any characters but NUL', () => {
        const uid = '😀 ü "\\\n';
        const subscription = client.subscribe({ collection: 'posts', uid }, () => {});
        assert.equal(client.hasSubscription(uid), true);
        assert.deepEqual(client.getActiveSubscriptions(), [subscription]);
        assert.equal(client.unsubscribe(uid), true);
    });
});

describe('createClient', () => {
    it('createClient takes a URL object, or several', async (t) => {
        for (const url of [new URL(server.url), [new URL(NOWHERE), new URL(server.url)]]) {
            const one = createClient(url, { accessToken: 'x', reconnectMinMs: 1 });
            t.after(() => one.close());
            await one.connected();
        }
    });

    it('createClient refuses wrong options, and the error names them', () => {
        assert.throws(() => createClient(), invalid(/^`url` is missing/));
        assert.throws(() => createClient([]), invalid(/^`url` is empty/));
        assert.throws(() => createClient(['http://a', 5]), invalid(/^`url\[1\]` is /));
        assert.throws(() => createClient(NOWHERE, null), invalid(/^`options` is null/));
        assert.throws(() => createClient(NOWHERE, 'token'), invalid(/^`options` is 'token'/));
        assert.throws(
            () => createClient(NOWHERE, { getToken: 'x' }),
            invalid(/^`getToken` is 'x'.*function/),
        );
        assert.throws(() => createClient(NOWHERE, { headers: 5 }), invalid(/^`headers` is 5.*object/));
        assert.throws(() => createClient(NOWHERE, { authMode: 3 }), invalid(/^`authMode` is 3/));
        assert.throws(() => createClient(NOWHERE, { queueBytes: 1n }), invalid(/^`queueBytes` is 1n?/));
        assert.throws(
            () => createClient(NOWHERE, { sendQueueBytes: -1 }),
            invalid(/^`sendQueueBytes` is -1/),
        );
        assert.throws(() => createClient(NOWHERE, { heartbeatMs: '5' }), invalid(/^`heartbeatMs` is '5'/));
        assert.throws(() => createClient('http://a:b@host'), invalid(/accessToken/));
        assert.throws(() => createClient('http://host?x'), invalid(/accessToken/));
    });

    it('a client without credentials says so with the options of this package', async (t) => {
        const one = createClient(NOWHERE);
        t.after(() => one.close());
        const changed = once(one, 'state');
        await assert.rejects(one.connected(), isError('DRT_ERR_AUTH', /accessToken.*getToken.*authMode/));
        assert.match((await changed)[0].message, /accessToken.*getToken.*authMode/);
    });
});

describe('subscribe', () => {
    const wrong = (options, pattern, callback = () => {}) =>
        assert.throws(() => client.subscribe(options, callback), invalid(pattern));

    it('subscribe refuses wrong options, and the error names them', () => {
        wrong(undefined, /^`options` is missing/);
        wrong(null, /^`options` is null/);
        wrong('posts', /^`options` is 'posts'/);
        wrong({}, /^`collection` is missing/);
        const collection = 'posts';
        wrong({ collection }, /^`callback` is 5.*function/, 5);
        wrong({ collection, persistent: 1 }, /^`persistent` is 1.*true or false/);
        wrong({ collection, event: 5 }, /^`event` is 5/);
        wrong({ collection, event: [5] }, /^`event` is 5/);
        wrong({ collection, event: {} }, /^`event` is /);
        wrong({ collection, event: [] }, /^`event` is an empty list: leave it out/);
        wrong({ collection, item: {} }, /^`item` is /);
        wrong({ collection, item: NaN }, /^`item` is NaN/);
        wrong({ collection, granularity: 1 }, /^`granularity` is 1/);
        wrong({ collection, query: 'x' }, /^`query` is 'x'.*object/);
        wrong({ collection, query: [] }, /^`query` is a list.*object/);
        wrong({ collection, signal: 5 }, /^`signal` is 5.*AbortSignal/);
        const scope = client.scope();
        assert.throws(() => scope.subscribe(), invalid(/^`options` is missing/));
        scope.close();
        const { subscribe, close } = client.useRealtime();
        assert.throws(() => subscribe(), invalid(/^`options` is missing/));
        close();
        assert.deepEqual(client.getActiveSubscriptions(), []);
    });

    it('subscribe treats null like an option that is left out', () => {
        const left = { uid: null, query: null, event: null, item: null, persistent: null, signal: null };
        const subscription = client.subscribe({ collection: 'posts', ...left }, null);
        assert.equal(typeof subscription.uid, 'string');
        assert.equal(client.hasSubscription(subscription.uid), true);
        assert.deepEqual([...client.getActiveSubscriptions()], [subscription]);
        subscription.unsubscribe();
    });
});

describe('other methods', () => {
    it('scope, useRealtime, connected, request and ready refuse wrong options', async () => {
        assert.throws(() => client.scope({ signal: 5 }), invalid(/^`signal` is 5/));
        assert.throws(() => client.useRealtime('x'), invalid(/^`options` is 'x'/));
        await assert.rejects(client.connected({ timeoutMs: -1 }), invalid(/^`timeoutMs` is -1/));
        await assert.rejects(client.connected({ timeoutMs: NaN }), invalid(/^`timeoutMs` is NaN/));
        await assert.rejects(client.connected({ signal: 5 }), invalid(/^`signal` is 5/));
        await assert.rejects(client.request({ type: 'x' }, { signal: {} }), invalid(/^`signal` is /));
        await assert.rejects(client.request({ type: 'x' }, 5), invalid(/^`options` is 5/));
        await assert.rejects(client.connected({ signal: AbortSignal.abort() }), { name: 'AbortError' });
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        await assert.rejects(subscription.ready({ timeoutMs: 'x' }), invalid(/^`timeoutMs` is 'x'/));
        subscription.unsubscribe();
    });

    it('sendMessage and request refuse values that are no messages, and types that have methods', async () => {
        for (const value of [undefined, null, 'x', 5, [1]]) {
            assert.throws(() => client.sendMessage(value), invalid(/^`message` is .*object/));
            await assert.rejects(client.request(value), invalid(/^`message` is .*object/));
        }
        assert.throws(
            () => client.sendMessage({ type: 'subscribe' }),
            invalid(/make a subscription instead$/),
        );
        await assert.rejects(client.request({ type: 'auth' }), invalid(/set the access token instead$/));
    });

    it('an error for a missing link names the state of the client', async (t) => {
        const one = createClient(NOWHERE, { accessToken: 'x' });
        t.after(() => one.close());
        const pattern = /^there is no usable link: the client is idle(: \w.*)?$/;
        assert.throws(() => one.sendMessage({ type: 'ping' }), isError('DRT_ERR_NOT_CONNECTED', pattern));
    });
});

describe('keys', () => {
    it('items() refuses invalid keys and items by a rejected promise', async () => {
        const items = client.items('posts');
        const key = invalid(/^`key` is /);
        for (const value of ['', NaN, Infinity, true, null, [''], [NaN], [{}]]) {
            await assert.rejects(items.read(value), key);
        }
        for (const value of ['', NaN, undefined, null, {}, [undefined]]) {
            await assert.rejects(items.update(value, { title: 'x' }), key);
            await assert.rejects(items.delete(value), key);
        }
        for (const value of [undefined, null, 'x', 5]) {
            await assert.rejects(items.create(value), invalid(/^`items?` is /));
            await assert.rejects(items.update(1, value), invalid(/^`changes` is /));
            await assert.rejects(items.updateSingleton(value), invalid(/^`changes` is /));
        }
        await assert.rejects(items.create([5]), invalid(/^`item` is 5/));
        await assert.rejects(items.read({}, 5), invalid(/^`options` is 5/));
        await assert.rejects(items.read(1, 'x'), invalid(/^`query` is 'x'/));
    });
});
