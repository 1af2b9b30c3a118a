// Provides `document` for Vue. Imported before Vue, which looks for it when it is loaded.
import { Window } from 'happy-dom';

const window = new Window();
globalThis.window = window;
for (const name of [
    'document',
    'Document',
    'Node',
    'Element',
    'HTMLElement',
    'SVGElement',
    'Event',
    'ShadowRoot',
]) {
    globalThis[name] = window[name];
}
