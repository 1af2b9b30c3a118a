// Shared by the examples: makes the client, and ends the program with a message when it cannot work.
import process from 'node:process';
import { createClient } from 'directus-realtime';

/** A client with the token of DIRECTUS_TOKEN. The program ends when the server refuses it. */
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
