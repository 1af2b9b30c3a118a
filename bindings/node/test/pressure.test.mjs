import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

/** A client of a server that answers "burst" with numbered creates. */
async function start(t, count, text = '', options = {}) {
    const onMessage = ({ type }, link) => {
        if (type === 'burst') {
            void link.load('posts', { first: 1, count, item: { text } });
        }
    };
    const server = await startScriptedServer({ onMessage });
    const client = createClient(server.url, { accessToken: 'x', ...options });
    t.after(async () => {
        await client.close();
        await server.close();
    });
    await client.connected();
    return client;
}

/** Subscribes, and lets the burst go once the snapshot is there. */
function subscribe(client, callback) {
    client.subscribe({ collection: 'posts' }, (event) => {
        if (event.type === 'init' && !event.resync) {
            client.sendMessage({ type: 'burst' });
        }
        return callback(event);
    });
}

describe('a burst', () => {
    it('a burst is delivered in batches, and the event loop gets a turn between them', async (t) => {
        const count = 20_000;
        const client = await start(t, count);
        let [events, turns, most, sinceTurn] = [0, 0, 0, 0];
        subscribe(client, ({ type, data }) => {
            if (type === 'create') {
                assert.equal(data.id, ++events);
                most = Math.max(most, ++sinceTurn);
            }
        });
        while (events < count) {
            await turn();
            turns++;
            sinceTurn = 0;
        }
        assert.ok(most <= 512, `${most} events between two turns of the loop`);
        assert.ok(turns >= count / 512);
    });

    it('batches of large events are smaller', async (t) => {
        const count = 200;
        const text = 'x'.repeat(100_000);
        const client = await start(t, count, text);
        let [events, sinceTurn] = [0, 0];
        const sizes = [];
        subscribe(client, ({ type, data }) => {
            if (type === 'create') {
                assert.equal(data.text.length, text.length);
                events++;
                sinceTurn++;
            }
        });
        while (events < count) {
            await turn();
            if (sinceTurn > 0) {
                sizes.push(sinceTurn);
                sinceTurn = 0;
            }
        }
        // The first batches cannot know. Two may fall together.
        const large = sizes.slice(2).filter((size) => size > 12);
        assert.deepEqual(large, [], `batches of ${sizes}`);
    });
});

describe('a slow callback', () => {
    it("events wait in the library's queue for a slow callback, and none is lost", async (t) => {
        const count = 20_000;
        const client = await start(t, count, 'x'.repeat(200));
        let go;
        const released = new Promise((resolve) => {
            go = resolve;
        });
        const ids = [];
        subscribe(client, async ({ type, data }) => {
            await released;
            if (type === 'create') {
                ids.push(data.id);
            }
        });
        const stats = await until(() => {
            const { queuedEvents, framesIn } = client.stats();
            return framesIn > count && { queuedEvents };
        }, 'every frame');
        assert.ok(stats.queuedEvents > count / 2, `${stats.queuedEvents} events wait in the library`);
        assert.equal(client.isConnected, true);
        go();
        await until(() => ids.length === count, 'every event');
        assert.deepEqual(
            ids,
            Array.from({ length: count }, (_, n) => n + 1),
        );
    });

    it('a callback that waits for a reply gets it, however many events are ahead of it', async (t) => {
        const count = 20_000;
        const client = await start(t, count, 'x'.repeat(200));
        let [events, answered] = [0, 0];
        subscribe(client, async ({ type }) => {
            if (type === 'create' && ++events <= 3) {
                await client.request({ type: 'ping' });
                answered++;
            }
        });
        await until(() => events === count, 'every event');
        assert.equal(answered, 3);
    });

    it('a callback that never settles is a warning after ten seconds', async (t) => {
        const client = await start(t, 5_000, 'x'.repeat(1000));
        t.mock.timers.enable({ apis: ['setTimeout'] });
        let warning;
        const listen = (each) => (warning = each.name === 'DirectusRealtimeWarning' ? each : warning);
        process.on('warning', listen);
        t.after(() => process.off('warning', listen));
        let begun = false;
        subscribe(client, () => {
            begun = true;
            return new Promise(() => {});
        });
        while (warning === undefined) {
            await turn();
            if (begun) {
                t.mock.timers.tick(10_000);
            }
        }
        assert.match(warning.message, /waiting for 10 s.*callback has not settled/);
    });

    it('an overflow of the queue is followed by a fresh snapshot', async (t) => {
        const count = 5_000;
        const client = await start(t, count, 'x'.repeat(1000), {
            queueBytes: 500_000,
        });
        let go;
        const released = new Promise((resolve) => {
            go = resolve;
        });
        const seen = [];
        subscribe(client, async (event) => {
            await released;
            seen.push(event);
        });
        await until(() => client.stats().overflows > 0, 'the overflow');
        go();
        const resync = await until(() => seen.find((event) => event.resync), 'the snapshot');
        assert.deepEqual([resync.type, resync.data], ['init', []]);
        assert.ok(seen.length < count);
        assert.deepEqual(
            seen.map(({ sequence }) => sequence),
            seen.map((_, n) => n + 1),
        );
    });
});
