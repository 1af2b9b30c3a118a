// Waiting for conditions, with a timeout that is long enough for a slow machine.
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 60_000;

/** Resolves with the first truthy value of `condition`. */
export async function until(condition, what, timeoutMs = TIMEOUT_MS) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
        const value = await condition();
        if (value) {
            return value;
        }
        if (performance.now() > deadline) {
            throw new Error(`timed out waiting for ${what}`);
        }
        await sleep(20);
    }
}

/** Waits long enough that an event that should not come would have come. */
export const quietPeriod = () => sleep(5_000);
