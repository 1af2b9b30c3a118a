// Prints the posts of a Directus server, and then every change.
//
//     DIRECTUS_TOKEN=… node demo.mjs http://localhost:8055
//
// Ends with its standard input: Ctrl-D in a terminal.
import process from 'node:process';
import { begin } from './begin.mjs';

const MARKS = { create: '+ create', update: '~ update', delete: '- delete' };

function showPost(mark, { id, title, status }) {
    const row = `${mark.padEnd(8)} ${String(id).padStart(4)}  ${(title ?? '').padEnd(34)} ${status ?? ''}`;
    console.log(row.trimEnd());
}

const [url] = process.argv.slice(2);
if (url === undefined) {
    console.error('usage: DIRECTUS_TOKEN=... demo.mjs URL');
    process.exit(2);
}
const client = begin(url, { reconnectMinMs: 1000, reconnectMaxMs: 2000 });
client.on('state', ({ state, message }) => console.log(state === 'connected' ? '●' : '○', message));
client.subscribe(
    { collection: 'posts', query: { fields: ['id', 'title', 'status'], sort: ['id'] } },
    (event) => {
        if (event.type === 'init') {
            // After a gap, such as a restart of the server, the snapshot replaces the old posts.
            console.log(event.resync ? '= the posts now, after the gap:' : '= the posts:');
            event.data.forEach((post) => showPost('', post));
        } else if (event.type === 'error') {
            console.log(`! error  ${event.data.message}`);
        } else {
            showPost(MARKS[event.type], event.data);
        }
    },
);

process.stdin.resume();
process.stdin.on('end', async () => {
    const { events, reconnects, resyncs } = client.stats();
    await client.close();
    console.log(`closed after ${events} events, ${reconnects} lost link(s), ${resyncs} gap(s) filled`);
});
