import assert from 'node:assert/strict';
import { quietPeriod, until } from '../waiting.mjs';

/** More than twice the heartbeat. */
const HEARTBEATS_MS = 150_000;

export default {
    title: 'A half-open link: no data passes, and neither side learns of it',
    official: 'Does not notice: it reports that it is connected, and gets no events.',
    ours: 'Notices by its heartbeat and reconnects. A fresh snapshot has what was missed, and events continue.',
    isLong: true,

    async run(fixture) {
        const { official, ours } = await fixture.both();
        official.proxy.halfOpen();
        ours.proxy.halfOpen();
        const [missed, later] = [fixture.name('missed'), fixture.name('later')];
        await fixture.create('posts', missed);
        await until(() => ours.app.titles('posts').includes(missed), 'what was missed', HEARTBEATS_MS);
        await fixture.create('posts', later);
        await ours.app.has('posts', later);
        await quietPeriod();

        assert.deepEqual(ours.app.titles('posts'), [missed, later]);
        assert.equal(official.proxy.accepted, 1);
        assert.equal(await official.app.do('isConnected'), true);
        assert.deepEqual(official.app.titles('posts'), []);
        return { official: '0 of 2 changes', ours: '2 of 2 changes' };
    },
};
