// Shows each new notification of the current user for five seconds.
//
//     DIRECTUS_TOKEN=… node notifications.mjs http://localhost:8055
//
// Notifications made while the link was down are shown once it is back. Ends by Ctrl-C.
import process from 'node:process';
import { begin, giveUp } from './begin.mjs';

const SHOWN_MS = 5000;

const [url] = process.argv.slice(2);
if (url === undefined) {
    console.error('usage: DIRECTUS_TOKEN=... notifications.mjs URL');
    process.exit(2);
}
const client = begin(url);
const { subscribe } = client.useRealtime();
let notifications = [];
// All of them, as ids may not arrive in order when several are created at once.
const known = new Set();

function draw() {
    const lines = notifications.map(({ message }) => `* ${message}`);
    console.log(`${lines.join('\n') || '(nothing new)'}\n`);
}

function show(notification) {
    if (known.has(notification.id)) {
        return;
    }
    known.add(notification.id);
    notifications.push(notification);
    draw();
    setTimeout(() => {
        notifications = notifications.filter(({ id }) => id !== notification.id);
        draw();
    }, SHOWN_MS).unref();
}

draw();
subscribe(
    {
        collection: 'notifications',
        uid: 'global-notifications',
        persistent: true, // survives its scope
        query: { filter: { user_id: { _eq: '$CURRENT_USER' } }, sort: ['id'], limit: -1 },
    },
    (event) => {
        if (event.type === 'create') {
            show(event.data);
        } else if (event.type === 'init' && event.resync) {
            event.data.forEach(show);
        } else if (event.type === 'init') {
            // The first snapshot has the old ones, which are not shown.
            event.data.forEach(({ id }) => known.add(id));
        } else if (event.type === 'error' && event.ended) {
            giveUp(client, event.data.message);
        } else if (event.type === 'error') {
            console.log(`! ${event.data.message}`);
        }
    },
);
process.on('SIGINT', () => client.close());
