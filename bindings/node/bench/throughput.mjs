// Events per second through the package, compared with plain `ws` and JSON.parse in the same process,
// which do nothing else that the package does. The load of the machine affects both alike, so the ratio is
// more meaningful than the numbers.
//
//     npm run bench [events]
import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import { createClient } from 'directus-realtime';
import WebSocket from 'ws';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';

const EVENTS = Number(process.argv[2] ?? 200_000);
const ROUNDS = 5;
const SIZES = [200, 2000];

/** Counts events, checks their order, and measures the time from the first one to the last. */
function counter(events) {
    let [seen, start] = [0, 0];
    let finish;
    const done = new Promise((resolve) => (finish = resolve));
    const count = (id) => {
        start ||= performance.now();
        assert.equal(id, seen);
        if (++seen === events) {
            finish((events / (performance.now() - start)) * 1000);
        }
    };
    return { count, done };
}

async function throughPackage(url, bytes, events) {
    // A queue so large that nothing overflows when the server is faster.
    const client = createClient(url, { accessToken: 'x', queueBytes: 2 ** 32 });
    const { count, done } = counter(events);
    const show = ({ type, data }) => type === 'create' && count(data.id);
    await client.subscribe({ collection: 'posts' }, (event) => void show(event)).ready();
    client.sendMessage({ type: 'burst', bytes, events });
    const rate = await done;
    await client.close();
    return rate;
}

async function throughWs(url, bytes, events) {
    const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false });
    await once(socket, 'open');
    const { count, done } = counter(events);
    const handlers = new Map([['posts', ({ data }) => data.forEach(({ id }) => count(id))]]);
    const send = (message) => socket.send(JSON.stringify(message));
    socket.on('message', (text) => {
        const message = JSON.parse(text);
        if (message.type === 'subscription' && message.event === 'create') {
            handlers.get(message.uid)?.(message);
        } else if (message.event === 'init') {
            send({ type: 'burst', bytes, events });
        }
    });
    send({ type: 'auth', access_token: 'x' });
    send({ type: 'subscribe', collection: 'posts', uid: 'posts' });
    const rate = await done;
    socket.close();
    await once(socket, 'close');
    return rate;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const thousands = (rate) => `${Math.round(rate / 1000)},000`.padStart(9);

/** An item of about so many characters of JSON. */
function burst({ type, bytes, events }, link) {
    if (type === 'burst') {
        const bare = JSON.stringify({ id: events, status: 'published', title: '' }).length;
        const item = { status: 'published', title: 'x'.repeat(bytes - bare) };
        void link.load('posts', { count: events, item });
    }
}

const server = await startScriptedServer({ onMessage: burst });
const { url } = server;
console.log(`${ROUNDS} rounds, events a second, medians:\n`);
console.log('item        directus-realtime   ws + JSON.parse   ratio');
for (const bytes of SIZES) {
    const events = Math.ceil(EVENTS / (bytes / 200) / 1000) * 1000;
    const [ours, theirs] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
        ours.push(await throughPackage(url, bytes, events));
        theirs.push(await throughWs(url, bytes, events));
    }
    const [our, their] = [median(ours), median(theirs)];
    const row = [`${bytes} bytes`.padEnd(14), thousands(our).padStart(15), thousands(their).padStart(18)];
    console.log(`${row.join('')}   ${(our / their).toFixed(2)}`);
}
await server.close();
