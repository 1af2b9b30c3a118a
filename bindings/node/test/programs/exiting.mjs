// Exits inside a callback, while another client is being closed.
import { createClient } from 'directus-realtime';

const client = createClient(process.argv[2], { accessToken: process.argv[3] });
const other = createClient(process.argv[2], { accessToken: process.argv[3] });
await other.connected();
client.subscribe({ collection: 'posts' }, () => {
    void other.close();
    process.exit(7);
});
