// Waiting for conditions, with a timeout that is long enough for a slow machine.
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 60_000;

/** Resolves with the first truthy value of `condition`. */
export async function until(condition, what) {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value;
        }
        if (Date.now() > deadline) {
            throw new Error(`timed out waiting for ${what}`);
        }
        await sleep(10);
    }
}

/** A callback that records its events. */
export function collector() {
    const events = [];
    const collect = (event) => void events.push(event);
    collect.events = events;
    /** Waits for the first event of a type that `accept` accepts. */
    collect.find = (type, accept = () => true) =>
        until(
            () => events.find((event) => event.type === type && accept(event)),
            `${type} in ${JSON.stringify(events.map((event) => event.type))}`,
        );
    return collect;
}
