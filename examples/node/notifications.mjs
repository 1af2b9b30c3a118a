// Shows each new notification of the current user for five seconds.
//
//     DIRECTUS_TOKEN=… node notifications.mjs http://localhost:8055
//
// What came while the link was down is shown when it is back. Ends by Ctrl-C.
import process from 'node:process';
import { createClient } from 'directus-realtime';

const SHOWN_MS = 5000;

const [url] = process.argv.slice(2);
if (url === undefined) {
    console.error('usage: DIRECTUS_TOKEN=... notifications.mjs URL');
    process.exit(2);
}
const client = createClient(url, { accessToken: process.env.DIRECTUS_TOKEN });
const { subscribe } = client.useRealtime();
let notifications = [];
let newest = 0;

function draw() {
    const lines = notifications.map(({ message }) => `* ${message}`);
    console.log(`${lines.join('\n') || '(nothing new)'}\n`);
}

function show(notification) {
    if (notification.id <= newest) {
        return;
    }
    newest = notification.id;
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
            // What was there before is no news.
            newest = Math.max(0, ...event.data.map(({ id }) => id));
        }
    },
);
process.on('SIGINT', () => client.close());
