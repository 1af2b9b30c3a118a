import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience, until } from '../waiting.mjs';

const EVENTS = 20;
const PAUSE_MS = 100;

export default {
    title: 'A link that is lost for a moment',
    official: 'Subscribes twice: the events come twice, unless they come in one packet.',
    ours: 'Subscribes once. A fresh snapshot has what was missed, and each event comes once.',

    async run(world) {
        const { official, ours } = await world.both();
        for (const { app, proxy } of [official, ours]) {
            proxy.reset();
            await until(() => app.told('posts', 'init').length > 1, 'the next snapshot');
        }
        const titles = Array.from({ length: EVENTS }, (_, n) => world.name(n));
        for (const title of titles) {
            await world.create('posts', title);
            await ours.app.has('posts', title);
            await sleep(PAUSE_MS);
        }
        await patience();

        const got = official.app.titles('posts', 'create');
        const twice = got.length - new Set(got).size;
        assert.ok(twice > 0, 'the official SDK got each once');
        assert.deepEqual(ours.app.titles('posts', 'create'), titles);
        return { official: `${twice} of ${EVENTS} events twice`, ours: `${EVENTS} events once` };
    },
};
