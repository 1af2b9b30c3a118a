import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../waiting.mjs';
import { TOKEN_SECONDS } from '../world.mjs';

const RENEWAL_MS = 500;
const PAUSE_MS = 100;
/** Lives of a token in which a slow machine has to write something while it is renewed. */
const MOST_LIVES = 5;

export default {
    title: 'A token renewal that takes half a second, while events arrive',
    official:
        'Renews once the token has expired: an event in between comes as an error, which ends every subscription. A callback ' +
        '(`onWebSocket`) misses what happens meanwhile, and is not told.',
    ours: 'Renews before the token expires. Nothing is missed.',

    async run(world) {
        const login = { email: 'admin@example.com', password: 'd1r3ctu5-dev', renewalMs: RENEWAL_MS };
        const { official, ours } = await world.both({ login });
        await official.app.do('hear', 'heard');
        const isRefused = () => official.app.told('posts', 'ended').length > 0;
        const began = performance.now();
        const lives = () => (performance.now() - began) / (1000 * TOKEN_SECONDS);
        const written = [];
        while (lives() < 1.2 || (!isRefused() && lives() < MOST_LIVES)) {
            const title = world.name(written.length);
            await world.create('posts', title);
            written.push(title);
            await sleep(PAUSE_MS);
        }
        await ours.app.has('posts', written.at(-1));
        const missing = ({ app }, name) => {
            const titles = app.titles(name);
            return written.filter((title) => !titles.includes(title)).length;
        };
        await until(() => missing(ours, 'posts') === 0, 'all events');

        assert.match(official.app.told('posts', 'ended')[0].words, /FORBIDDEN/);
        const [lost, unheard] = [missing(official, 'posts'), missing(official, 'heard')];
        assert.ok(lost > 0 && unheard > 0, `the official SDK has missed ${lost} and ${unheard}`);
        const all = `${written.length} events`;
        return {
            official: `missed ${lost}, and in a callback ${unheard}, of ${all}`,
            ours: `missed 0 of ${all}`,
        };
    },
};
