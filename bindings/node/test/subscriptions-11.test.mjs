// The same subscriptions with the other line of Directus.
process.env.DIRECTUS_VERSION = '11.17.4';
await import('./subscriptions.test.mjs');
