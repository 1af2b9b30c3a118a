// Provides what a component finds in a Nuxt application, in Vue or in Node without it.
import assert from 'node:assert/strict';
import * as vue from 'vue';
import { directusRealtime, useDirectusRealtime } from 'directus-realtime/vue';

/** `useDirectusApi()` and `useDirectusAuth()`, implemented with the REST API. */
async function directus(rest) {
    const user = vue.ref(await rest.request('GET', '/users/me'));
    const written = (value) =>
        Array.isArray(value) ? value.join() : typeof value === 'object' ? JSON.stringify(value) : value;
    return {
        useDirectusAuth: () => ({ user }),
        useDirectusApi: () => ({
            getItems(collection, query = {}) {
                const parameters = Object.entries(query).map(([name, value]) => [name, written(value)]);
                return rest.read(collection, new URLSearchParams(parameters));
            },
            createOne: (collection, item) => rest.create(collection, item),
        }),
    };
}

/** Mounts a component in Vue; `state` has its script's variables. */
function mountInVue(component, client, problems) {
    const app = vue.createApp(component);
    app.use(directusRealtime(client));
    app.config.warnHandler = (message) => problems.push(message);
    app.config.errorHandler = (error) => problems.push(error);
    const root = document.createElement('div');
    document.body.append(root);
    const { setupState } = app.mount(root).$;
    return {
        state: setupState,
        root,
        isConnected: () => setupState.isConnected,
        unmount() {
            app.unmount();
            root.remove();
        },
    };
}

/** Runs a component's script without mounting the component. */
function runInNode(component, client, problems) {
    const [mounted, unmounted] = [[], []];
    const realtime = client.useRealtime();
    provide({
        useDirectusRealtime: () => ({ ...realtime }),
        onMounted: (hook) => mounted.push(hook),
        onUnmounted: (hook) => unmounted.push(hook),
        // A watcher of `isConnected` is two event listeners of the client.
        watch(source, callback) {
            assert.equal(source.value, client.isConnected);
            client.on('connected', () => callback(true, false));
            client.on('disconnected', () => callback(false, true));
        },
    });
    const declared = component.setup({}, { expose() {} });
    mounted.forEach(async (hook) => {
        try {
            await hook();
        } catch (error) {
            problems.push(error);
        }
    });
    return {
        state: vue.proxyRefs(declared),
        isConnected: () => client.isConnected,
        unmount() {
            unmounted.forEach((hook) => hook());
            realtime.close();
        },
    };
}

function provide(names) {
    Object.assign(globalThis, names);
}

/** Returns a function that runs a component with the names that it finds in Nuxt as globals. */
export async function prepare(rest) {
    const { ref, computed, watch, nextTick, onMounted, onUnmounted } = vue;
    const ofVue = { ref, computed, watch, nextTick, onMounted, onUnmounted, useDirectusRealtime };
    const ofDirectus = await directus(rest);
    return (kind, component, client, more = {}) => {
        provide({ ...ofVue, ...ofDirectus, useRoute: () => ({ params: { id: 'lobby' } }), ...more });
        const problems = [];
        const run = kind === 'Vue' ? mountInVue : runInNode;
        return { ...run(component, client, problems), problems };
    };
}
