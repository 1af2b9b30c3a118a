// A chat: what is typed in one terminal appears in the other.
//
//     DIRECTUS_TOKEN=… node chat.mjs http://localhost:8055 lobby Ann
//     DIRECTUS_TOKEN=… node chat.mjs http://localhost:8055 lobby Bob
//
// Ends with its input: Ctrl-D.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { begin, giveUp } from './begin.mjs';

const [url, channel, name] = process.argv.slice(2);
if (name === undefined) {
    console.error('usage: DIRECTUS_TOKEN=... chat.mjs URL CHANNEL NAME');
    process.exit(2);
}
const client = begin(url);
const messages = client.items('messages');
// All of them, as ids may not arrive in order when several users write at once.
const shown = new Set();

function show({ id, text, user_name: who }) {
    if (!shown.has(id)) {
        shown.add(id);
        console.log(`${who}${who === name ? ' (you)' : ''}: ${text}`);
    }
}

client.on('state', ({ state, message }) => console.log(state === 'connected' ? '●' : '○', message));
client.subscribe(
    {
        collection: 'messages',
        uid: `chat-${channel}`,
        query: { filter: { channel_id: { _eq: channel } }, sort: ['id'], limit: -1 },
    },
    (event) => {
        if (event.type === 'create') {
            show(event.data);
        } else if (event.type === 'init') {
            // After a gap only the messages sent during it are new.
            event.data.forEach(show);
        } else if (event.type === 'error' && event.ended) {
            giveUp(client, event.data.message);
        } else if (event.type === 'error') {
            console.log(`! ${event.data.message}`);
        }
    },
);

for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== '') {
        const message = { channel_id: channel, text: line.trim(), user_name: name };
        await messages.create(message).catch((error) => console.log(`! not sent: ${error.message}`));
    }
}
await client.close();
