// Runs the garbage collector.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from './waiting.mjs';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc');

/** Collects until a condition holds that depends on finalizers. */
export function collectUntil(condition, what) {
    return until(() => {
        collectGarbage();
        return condition();
    }, what);
}

/** Collects so often that all garbage is gone, and its finalizers have run. */
export async function collectThoroughly() {
    for (let round = 0; round < 5; round++) {
        const token = new FinalizationRegistry(() => (gone = true));
        let gone = false;
        token.register({}, undefined);
        await collectUntil(() => gone, 'the garbage collector');
    }
}
