import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../waiting.mjs';
import { TOKEN_SECONDS } from '../fixture.mjs';

const RENEWAL_MS = 500;
const PAUSE_MS = 100;
/** How many lifetimes of a token a slow machine may take until it has written during a renewal. */
const MAX_LIFETIMES = 5;

export default {
    title: 'A token renewal that takes half a second, while events arrive',
    official:
        'Renews after the token has expired: an event in between arrives as an error, which ends all subscriptions. A ' +
        'callback (`onWebSocket`) misses the events in between, and no gap is reported.',
    ours: 'Renews before the token expires. No event is missed.',

    async run(fixture) {
        const login = { email: 'admin@example.com', password: 'd1r3ctu5-dev', renewalMs: RENEWAL_MS };
        const { official, ours } = await fixture.both({ login });
        await official.app.do('listen', 'listener');
        const isRefused = () => official.app.reportsOf('posts', 'ended').length > 0;
        const began = performance.now();
        const lifetimes = () => (performance.now() - began) / (1000 * TOKEN_SECONDS);
        const written = [];
        while (lifetimes() < 1.2 || (!isRefused() && lifetimes() < MAX_LIFETIMES)) {
            const title = fixture.name(written.length);
            await fixture.create('posts', title);
            written.push(title);
            await sleep(PAUSE_MS);
        }
        await ours.app.has('posts', written.at(-1));
        const missing = ({ app }, name) => {
            const titles = app.titles(name);
            return written.filter((title) => !titles.includes(title)).length;
        };
        await until(() => missing(ours, 'posts') === 0, 'all events');

        assert.match(official.app.reportsOf('posts', 'ended')[0].message, /FORBIDDEN/);
        const [lost, unheard] = [missing(official, 'posts'), missing(official, 'listener')];
        assert.ok(lost > 0 && unheard > 0, `the official SDK has missed ${lost} and ${unheard}`);
        const all = `${written.length} events`;
        return {
            official: `missed ${lost}, and in a callback ${unheard}, of ${all}`,
            ours: `missed 0 of ${all}`,
        };
    },
};
