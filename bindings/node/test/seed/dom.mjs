// A document for Vue, which looks for one when it is loaded: to be imported before it.
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
