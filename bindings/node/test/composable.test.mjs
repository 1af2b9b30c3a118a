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
    it('connects', async (t) => {
        const client = open(t);
        const { isConnected } = client.useRealtime();
        assert.equal(isConnected.value, false);
        await until(() => isConnected.value, 'the connection');
    });

    it('and a subscription right behind it learn by the state that there are no credentials', async (t) => {
        const client = createClient(NOWHERE);
        t.after(() => client.close());
        const { subscribe, sendMessage } = client.useRealtime();
        const posts = subscribe({ collection: 'posts' }, () => {});
        sendMessage({ type: 'ping' });
        const [{ state, message }] = await once(client, 'state');
        assert.deepEqual([state, /no credentials/.test(message)], ['failed', true]);
        assert.equal(posts.ended, false);
    });

    it('leaves a client alone that was disconnected, or has failed', async (t) => {
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
    it('waits for the link, in order', async (t) => {
        const { sendMessage } = open(t).useRealtime();
        const wanted = Array.from({ length: 50 }, (_, n) => n);
        wanted.forEach((n) => sendMessage({ type: 'early', n }));
        await until(() => numbers('early').length === wanted.length, 'the messages');
        assert.deepEqual(numbers('early'), wanted);
    });

    it('waits for the next link', async (t) => {
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

    it('is refused where too much waits, or nothing may', async (t) => {
        const small = open(t, { sendQueueBytes: 100 }, NOWHERE);
        const { sendMessage } = small.useRealtime();
        sendMessage({ type: 'small' });
        const big = { type: 'big', text: 'x'.repeat(100) };
        assert.throws(() => sendMessage(big), isError('DRT_ERR_QUEUE_FULL', /exceed sendQueueBytes, 100/));
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

    it('says what it could not send', async (t) => {
        // Of the clients that were closed before.
        await sleep(50);
        const warned = async (why) => {
            for (;;) {
                const [{ message }] = await once(process, 'warning');
                if (/could not be sent/.test(message)) {
                    return assert.match(message, why);
                }
            }
        };
        const closed = open(t, {}, NOWHERE);
        closed.on('state', () => {});
        const { sendMessage } = closed.useRealtime();
        sendMessage({ type: 'a' });
        sendMessage({ type: 'b' });
        await Promise.all([warned(/^2 messages could not be sent: the client is closed/), closed.close()]);

        const failing = open(t, { reconnectAttempts: 1 }, NOWHERE);
        failing.on('state', () => {});
        const said = warned(/^1 message could not be sent: .*refused/);
        const realtime = failing.useRealtime();
        realtime.sendMessage({ type: 'a' });
        await said;
        assert.throws(() => realtime.sendMessage({ type: 'b' }), isError('DRT_ERR_NOT_CONNECTED', /failed/));
    });
});

describe('reconnect', () => {
    it('leaves a link alone that works, where the server answers pings and where it does not', async (t) => {
        const mute = await startScriptedServer({ withhold: ['ping'] });
        t.after(() => mute.close());
        for (const url of [server.url, mute.url]) {
            const client = open(t, { ackTimeoutMs: 200 }, url);
            const { reconnect } = client.useRealtime();
            await client.connected();
            reconnect();
            reconnect();
            await sleep(600);
            assert.equal(client.stats().connects, 1);
            client.reconnect();
            await until(() => client.stats().connects === 2, 'the link that was asked for');
        }
    });

    it('ends a link that is dead', async (t) => {
        const client = open(t, { ackTimeoutMs: 200 });
        const { reconnect } = client.useRealtime();
        await client.connected();
        relay.hang();
        reconnect();
        await until(() => client.stats().connects === 2, 'another link');
        await client.request({ type: 'ping' });
    });

    it('connects now, where it would take long', async (t) => {
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

    it('of a closed client is nothing: a timer may come late', async (t) => {
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
