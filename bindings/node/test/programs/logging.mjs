// Logs at the given level, and ends in the given way. 'silent' has no state listener.
import { subscribe } from 'node:diagnostics_channel';
import { createClient, setLog } from 'directus-realtime';

const [, , url, how, level] = process.argv;
if (level !== undefined) {
    setLog(level, (each, target, message) => console.log(`LOG ${each} ${target}: ${message}`));
}
const client = createClient(url, { accessToken: 's3cret', reconnectMinMs: 60_000 });
if (how === 'silent') {
    // The channel publishes a state before the client warns of it.
    subscribe('directus-realtime:state', ({ state }) => {
        if (state === 'backoff') {
            setImmediate(() => void client.close());
        }
    });
} else {
    client.on('state', ({ state }) => {
        if (state === 'backoff') {
            if (how === 'exit') {
                process.exit();
            }
            void client.close();
        }
    });
}
client.connect();
