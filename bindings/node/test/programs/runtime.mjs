// What a program needs of a runtime: states, events, replies, the log, and an end.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createClient, setLog } from 'directus-realtime';

const [url] = process.argv.slice(2);
const seen = { states: [], events: [], logged: 0, context: [] };
setLog('debug', () => seen.logged++);
const client = createClient(url, { accessToken: 'x' });
client.on('state', ({ state }) => seen.states.push(state));
const context = new AsyncLocalStorage();
let resolve;
const done = new Promise((each) => (resolve = each));
const COUNT = 2000;
context.run('here', () =>
    client.subscribe({ collection: 'posts' }, async ({ type, sequence }) => {
        await null;
        seen.context = [...new Set([...seen.context, context.getStore()])];
        if (type === 'init') {
            client.sendMessage({ type: 'burst', count: COUNT });
        } else if (sequence === COUNT + 1) {
            seen.events.push(type, sequence);
            resolve();
        }
    }),
);
const loop = (async () => {
    for await (const { type } of client.subscribe({ collection: 'codes' })) {
        return type;
    }
})();
await done;
seen.loop = await loop;
seen.pong = (await client.request({ type: 'ping' })).type;
seen.refused = await client.request({ type: 'silence' }, { timeoutMs: 20 }).catch(({ code }) => code);
client.unref().ref();
await client.close();
seen.logged = seen.logged > 0;
console.log(JSON.stringify(seen));
