// Shows the posts that the server streams. Texts are set by `textContent`, so markup in them is not interpreted.
const STORY_LINES = 10;
const RETRY_MS = 3000;

const at = (id) => document.getElementById(id);
const titleOf = ({ title }) => title || 'Untitled';
const time = () => new Date().toLocaleTimeString('en-GB');
/** The shown posts with their cards, by key. */
let shown = new Map();
let isFirst = true;

function cardOf(post, mark = '', words = '') {
    const card = at('post').content.firstElementChild.cloneNode(true);
    const put = (selector, text) => (card.querySelector(selector).textContent = text ?? '');
    card.dataset.key = post.id;
    card.dataset.mark = mark;
    card.dataset.status = post.status ?? '';
    put('h2', titleOf(post));
    put('p', post.content);
    put('.status', post.status);
    put('.key', `#${post.id}`);
    put('.mark', words);
    return card;
}

/** Adds a line to the log, with the title of a post if it concerns one. */
function tell(kind, title = '') {
    const line = document.createElement('li');
    line.dataset.kind = kind;
    for (const [name, text] of Object.entries({ b: kind, time: time(), span: title })) {
        line.append(Object.assign(document.createElement(name), { textContent: text }));
    }
    at('story').prepend(line);
    while (at('story').children.length > STORY_LINES) {
        at('story').lastChild.remove();
    }
}

function count() {
    at('count').textContent = shown.size === 1 ? '1 post' : `${shown.size} posts`;
}

function notice(text) {
    at('notice').textContent = text;
    at('notice').hidden = text === '';
}

function showState(isOnline, why = '') {
    const changes = document.body.classList.contains('offline') === isOnline;
    document.body.classList.toggle('offline', !isOnline);
    at('badge').textContent = isOnline ? 'Online' : 'Offline';
    if (!isOnline) {
        notice(isFirst ? why : `${why} The posts below are the last that are known.`);
    }
    if (changes) {
        tell(isOnline ? 'online' : 'offline');
    }
}

/** A snapshot replaces the shown posts. All but the first follow a gap, on this link or between the servers. */
function showAll({ posts, resync }) {
    const before = shown;
    const newCard = (post) => {
        const old = before.get(post.id)?.post;
        if (isFirst || JSON.stringify(old) === JSON.stringify(post)) {
            return cardOf(post);
        }
        return cardOf(post, 'missed', old ? 'changed in the gap' : 'new in the gap');
    };
    shown = new Map(posts.map((post) => [post.id, { post, card: newCard(post) }]));
    at('posts').replaceChildren(...[...shown.values()].map(({ card }) => card));
    notice('');
    if (isFirst && !resync) {
        tell('snapshot');
    } else {
        notice(`RESYNC at ${time()}: after a gap, these are the posts as they are now.`);
        tell('resync');
    }
    isFirst = false;
    count();
}

function show(mark, post) {
    const card = cardOf(post, mark, `${mark} ${time()}`);
    const old = shown.get(post.id);
    shown.set(post.id, { post, card });
    if (old) {
        old.card.replaceWith(card);
    } else {
        const next = [...at('posts').children].find((other) => other.dataset.key < post.id);
        at('posts').insertBefore(card, next ?? null);
    }
    tell(mark, titleOf(post));
    count();
}

function drop({ id }) {
    const old = shown.get(id);
    if (old) {
        old.card.remove();
        shown.delete(id);
        tell('deleted', titleOf(old.post));
        count();
    }
}

const HANDLERS = {
    state: ({ state }) => showState(state === 'connected', `There is no link to Directus (${state}).`),
    posts: showAll,
    create: (post) => show('created', post),
    update: (post) => show('updated', post),
    delete: drop,
};

function listen() {
    const source = new EventSource('events');
    for (const [name, handle] of Object.entries(HANDLERS)) {
        source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
    }
    source.addEventListener('error', () => {
        showState(false, 'There is no link to the web server.');
        // The browser reconnects by itself, unless the response was not an event stream.
        if (source.readyState === EventSource.CLOSED) {
            setTimeout(listen, RETRY_MS);
        }
    });
}

listen();
