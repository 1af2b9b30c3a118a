// What is particular to `client.useRealtime()`: it connects, its messages wait, and its `reconnect`
// leaves a link alone that works.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startRelay } from './relay.mjs';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const NOWHERE = 'http://127.0.0.1:1';
const RETRY = { reconnectMinMs: 1, reconnectMaxMs: 10 };

let server, relay;
before(async () => {
    server = await startScriptedServer();
    relay = await startRelay(server.url);
});
after(async () => {
    await relay.close();
    await server.close();
});

function open(t, options = {}, url = relay.url) {
    const client = createClient(url, { accessToken: 'x', ...RETRY, ...options });
    t.after(() => client.close());
    return client;
}

const numbers = (name) => server.messages.filter(({ type }) => type === name).map(({ n }) => n);
const isError = (code, message) => ({ name: 'DirectusRealtimeError', code, message });

describe('useRealtime()', () => {
    it('useRealtime() connects the client', async (t) => {
        const client = open(t);
        const { isConnected } = client.useRealtime();
        assert.equal(isConnected.value, false);
        await until(() => isConnected.value, 'the connection');
    });

    it('subscribing right after useRealtime() does not throw without credentials: the state reports it', async (t) => {
        const client = createClient(NOWHERE);
        t.after(() => client.close());
        const { subscribe, sendMessage } = client.useRealtime();
        const posts = subscribe({ collection: 'posts' }, () => {});
        sendMessage({ type: 'ping' });
        const [{ state, message }] = await once(client, 'state');
        assert.deepEqual([state, /no credentials/.test(message)], ['failed', true]);
        assert.equal(posts.ended, false);
    });

    it('useRealtime() does not connect a client that was disconnected or has failed', async (t) => {
        const client = open(t);
        await client.connected();
        client.disconnect();
        await until(() => client.state === 'idle', 'the end of the link');
        client.useRealtime();
        assert.equal(client.state, 'idle');
        client.connect();
        await client.connected();

        client.useRealtime();
        client.disconnect();
        await sleep(20);
        assert.equal(client.state, 'idle');

        const failed = createClient(NOWHERE);
        t.after(() => failed.close());
        failed.on('state', () => {});
        await assert.rejects(failed.connected(), { code: 'DRT_ERR_AUTH' });
        failed.useRealtime();
        assert.equal(failed.state, 'failed');
    });
});

describe('sendMessage', () => {
    it('messages of the composable wait for the first link, in order', async (t) => {
        const { sendMessage } = open(t).useRealtime();
        const wanted = Array.from({ length: 50 }, (_, n) => n);
        wanted.forEach((n) => sendMessage({ type: 'early', n }));
        await until(() => numbers('early').length === wanted.length, 'the messages');
        assert.deepEqual(numbers('early'), wanted);
    });

    it('messages of the composable wait for the next link after a loss', async (t) => {
        const client = open(t);
        const { sendMessage } = client.useRealtime();
        await client.connected();
        relay.refuse();
        t.after(() => relay.refuse(false));
        relay.cut();
        await until(() => !client.isConnected, 'the loss');
        sendMessage({ type: 'between', n: 1 });
        assert.throws(
            () => client.sendMessage({ type: 'between' }),
            isError('DRT_ERR_NOT_CONNECTED', /no usable link/),
        );
        relay.refuse(false);
        await until(() => numbers('between').length > 0, 'the message');
        assert.deepEqual(numbers('between'), [1]);
    });

    it('a message is refused when sendQueueBytes is exceeded, or is 0', async (t) => {
        const small = open(t, { sendQueueBytes: 100 }, NOWHERE);
        const { sendMessage } = small.useRealtime();
        sendMessage({ type: 'small' });
        const big = { type: 'big', text: 'x'.repeat(100) };
        assert.throws(() => sendMessage(big), isError('DRT_ERR_QUEUE_FULL', /exceed `sendQueueBytes`, 100/));
        // A client with that option does the same.
        small.sendMessage({ type: 'small' });
        assert.throws(() => small.sendMessage(big), isError('DRT_ERR_QUEUE_FULL', /sendQueueBytes/));

        const none = open(t, { sendQueueBytes: 0 }, NOWHERE).useRealtime();
        assert.throws(
            () => none.sendMessage({ type: 'x' }),
            isError('DRT_ERR_NOT_CONNECTED', /no usable link/),
        );
        const megabyte = { type: 'big', text: 'x'.repeat(1024 * 1024) };
        const standard = open(t, {}, NOWHERE).useRealtime();
        assert.throws(() => standard.sendMessage(megabyte), isError('DRT_ERR_QUEUE_FULL', /1048576/));
        assert.throws(
            () => standard.sendMessage({ no: 'type' }),
            isError('DRT_ERR_INVALID_ARGUMENT', /type/),
        );
    });

    it('queued messages that cannot be sent are a warning with their number and the reason', async (t) => {
        const warnings = [];
        const listen = ({ message }) => warnings.push(message);
        process.on('warning', listen);
        t.after(() => process.off('warning', listen));
        const warned = (pattern) => until(() => warnings.find((each) => pattern.test(each)), `${pattern}`);
        const closed = open(t, {}, NOWHERE);
        closed.on('state', () => {});
        const { sendMessage } = closed.useRealtime();
        for (const type of ['a', 'b', 'c']) {
            sendMessage({ type });
        }
        await closed.close();
        await warned(/^3 messages could not be sent: the client is closed/);

        const failing = open(t, { reconnectAttempts: 1 }, NOWHERE);
        failing.on('state', () => {});
        const realtime = failing.useRealtime();
        realtime.sendMessage({ type: 'a' });
        await warned(/^1 message could not be sent: .*refused/);
        assert.throws(() => realtime.sendMessage({ type: 'b' }), isError('DRT_ERR_NOT_CONNECTED', /failed/));
    });
});

describe('reconnect', () => {
    it('reconnect() of the composable keeps a link that works, whether or not the server answers pings', async (t) => {
        const mute = await startScriptedServer({ withhold: ['ping'] });
        t.after(() => mute.close());
        for (const url of [server.url, mute.url]) {
            const client = open(t, { ackTimeoutMs: 1000 }, url);
            const { reconnect } = client.useRealtime();
            await client.connected();
            const { framesIn } = client.stats();
            reconnect();
            reconnect();
            await until(() => client.stats().framesIn > framesIn, 'an answer');
            // Its reply comes after that answer, with which the decision is made.
            await client.items('posts').read({}, { timeoutMs: 20_000 });
            assert.equal(client.stats().connects, 1);
            client.reconnect();
            await until(() => client.stats().connects === 2, 'the link that was asked for');
        }
    });

    it('reconnect() of the composable replaces a link on which the server does not answer', async (t) => {
        const client = open(t, { ackTimeoutMs: 200 });
        const { reconnect } = client.useRealtime();
        await client.connected();
        relay.hang();
        reconnect();
        await until(() => client.stats().connects === 2, 'another link');
        await client.request({ type: 'ping' }, { timeoutMs: 20_000 });
    });

    it('reconnect() of the composable connects now, without waiting for the backoff', async (t) => {
        const client = open(t, { reconnectMinMs: 2 ** 31, reconnectMaxMs: 2 ** 31 });
        client.on('state', () => {});
        const { reconnect } = client.useRealtime();
        relay.refuse();
        await until(() => client.state === 'backoff', 'a refusal');
        relay.refuse(false);
        reconnect();
        await until(() => client.isConnected, 'the connection');
        client.disconnect();
        await until(() => client.state === 'idle', 'the end of the link');
        reconnect();
        await until(() => client.isConnected, 'the connection');
    });

    it('reconnect() of the composable does nothing when the client is closed', async (t) => {
        const client = open(t, { ackTimeoutMs: 200 });
        const { reconnect } = client.useRealtime();
        await client.connected();
        relay.hang();
        reconnect();
        await client.close();
        reconnect();
        await sleep(500);
        assert.equal(client.state, 'closed');
    });
});
