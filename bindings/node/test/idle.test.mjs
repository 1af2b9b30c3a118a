// An idle process wakes up for heartbeats only: nothing is polled, also while events wait for a callback.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';

const PROGRAM = fileURLToPath(new URL('programs/idle.mjs', import.meta.url));
const skip = !existsSync('/proc/self/task') && 'there is no /proc to count wake-ups by';

it('an idle client wakes no thread, also while events wait for a callback', { skip }, async (t) => {
    const onMessage = ({ type, count }, link) => {
        if (type === 'burst') {
            void link.load('posts', { first: 1, count, item: { text: 'x'.repeat(1000) } });
        }
    };
    const server = await startScriptedServer({ onMessage });
    t.after(() => server.close());
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, server.url], {
        timeout: 60_000,
    });
    const { idle, stalled, queuedEvents } = JSON.parse(stdout);
    assert.ok(queuedEvents > 3_000, `${queuedEvents} events wait`);
    for (const counts of [idle, stalled]) {
        assert.ok('main' in counts && 'drt-io' in counts, stdout);
        // In three seconds: the timer of the program itself, and what the runtime does at times.
        for (const [thread, count] of Object.entries(counts)) {
            assert.ok(count <= 5, `${thread} has woken up ${count} times: ${stdout}`);
        }
    }
});
