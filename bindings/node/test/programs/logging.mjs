// Logs as it is told: the level is given, and how the program ends. 'silent' has no state listener.
import { createClient, setLog } from 'directus-realtime';

const [, , url, how, level] = process.argv;
if (level !== undefined) {
    setLog(level, (each, target, message) => console.log(`LOG ${each} ${target}: ${message}`));
}
const client = createClient(url, { accessToken: 's3cret', reconnectMinMs: 60_000 });
client.on(how === 'silent' ? 'disconnected' : 'state', ({ state }) => {
    if (state === 'backoff') {
        if (how === 'exit') {
            process.exit();
        }
        void client.close();
    }
});
client.connect();
if (how === 'silent') {
    setTimeout(() => void client.close(), 1_000);
}
