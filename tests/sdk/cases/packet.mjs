import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

const EVENTS = 50;

export default {
    title: '50 events in one packet',
    official: 'Loses nearly all of them: it takes one message per turn of the event loop and drops the rest.',
    ours: 'Delivers all 50, in the order in which the server sent them.',

    async run(fixture) {
        const { official, ours } = await fixture.both();
        const packets = [official, ours].map(({ proxy }) => proxy.gather('"event":"create"', EVENTS));
        const titles = Array.from({ length: EVENTS }, (_, n) => fixture.name(n));
        await fixture.create('posts', ...titles);
        const [, packet] = await Promise.all(packets);
        await until(() => ours.app.titles('posts').length >= EVENTS, 'all events');
        await quietPeriod();

        // The server does not send them in the order of their titles.
        const sent = Array.from(packet.matchAll(/"title":"([^"]*)"/g), ([, title]) => title);
        assert.deepEqual(sent.toSorted(), titles.toSorted());
        assert.deepEqual(ours.app.titles('posts', 'create'), sent);
        const got = official.app.titles('posts', 'create').length;
        assert.ok(got < EVENTS / 2, `the official SDK got ${got}`);
        return { official: `${got} of ${EVENTS} events`, ours: `${sent.length} of ${EVENTS} events` };
    },
};
