// Prints how often the main thread and the library's threads of an idle process wake up: first while nothing
// waits, then while events wait for a callback that never settles.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'directus-realtime';

const [url] = process.argv.slice(2);
const COUNT = 5_000;
const QUIET_MS = 3_000;

/** Voluntary context switches by thread: how often each has gone to sleep. Those of V8 are left out. */
function switches() {
    const counts = {};
    for (const thread of readdirSync('/proc/self/task')) {
        const read = (file) => readFileSync(`/proc/self/task/${thread}/${file}`, 'utf8');
        const name = thread === String(process.pid) ? 'main' : read('comm').trim();
        if (/^(main|drt-.*)$/.test(name)) {
            const [, count] = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(read('status'));
            counts[name] = Number(count);
        }
    }
    return counts;
}

/** How often each thread wakes up while nothing happens. */
async function wakeUps() {
    await sleep(1_000);
    const before = switches();
    await sleep(QUIET_MS);
    const after = switches();
    return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - before[name]]));
}

const client = createClient(url, { accessToken: 'x' });
const stuck = ({ type }) => (type === 'init' ? undefined : new Promise(() => {}));
await client.subscribe({ collection: 'posts' }, stuck).ready();
const idle = await wakeUps();
client.sendMessage({ type: 'burst', count: COUNT });
while (client.stats().framesIn < COUNT) {
    await sleep(50);
}
const stalled = await wakeUps();
const { queuedEvents } = client.stats();
console.log(JSON.stringify({ idle, stalled, queuedEvents }));
process.exit();
