// What the programs have in common: a client of the server that was named, and an end with a
// sentence where nothing can come of it.
import process from 'node:process';
import { createClient } from 'directus-realtime';

/** A client with the token in DIRECTUS_TOKEN. The program ends when the server refuses that. */
export function begin(url, options = {}) {
    let client;
    try {
        client = createClient(url, { accessToken: process.env.DIRECTUS_TOKEN || undefined, ...options });
    } catch (error) {
        console.error(`! ${error.message}`);
        process.exit(2);
    }
    client.on('state', ({ state, message }) => {
        if (state === 'failed') {
            giveUp(client, message);
        }
    });
    return client;
}

export async function giveUp(client, sentence) {
    console.error(`! ${sentence}`);
    await client.close();
    process.exit(1);
}
