// Waiting, on a machine of any speed.
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;

/** Resolves with the first truthy value of `condition`. */
export async function until(condition, what, patienceMs = PATIENCE_MS) {
    const deadline = performance.now() + patienceMs;
    for (;;) {
        const value = await condition();
        if (value) {
            return value;
        }
        if (performance.now() > deadline) {
            throw new Error(`waited in vain for ${what}`);
        }
        await sleep(20);
    }
}

/** For what never comes: long after it has come to those who get it. */
export const patience = () => sleep(5_000);
