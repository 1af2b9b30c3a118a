import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { quietPeriod } from '../waiting.mjs';

const EVENTS = 20;
const PAUSE_MS = 100;

export default {
    title: 'A link that is lost briefly',
    official: 'Subscribes twice: events are delivered twice, unless they arrive in one packet.',
    ours: 'Subscribes once. A fresh snapshot has what was missed, and each event is delivered once.',

    async run(fixture) {
        const official = await fixture.afterLoss('official');
        const ours = await fixture.afterLoss('ours');
        const titles = Array.from({ length: EVENTS }, (_, n) => fixture.name(n));
        for (const title of titles) {
            await fixture.create('posts', title);
            await ours.app.has('posts', title);
            await sleep(PAUSE_MS);
        }
        await quietPeriod();

        const got = official.app.titles('posts', 'create');
        const twice = got.length - new Set(got).size;
        assert.ok(twice > 0, 'the official SDK got each once');
        assert.deepEqual(ours.app.titles('posts', 'create'), titles);
        return { official: `${twice} of ${EVENTS} events twice`, ours: `${EVENTS} events once` };
    },
};
