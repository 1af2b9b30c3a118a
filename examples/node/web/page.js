// Shows the posts that the server streams. Texts are set by `textContent`, so markup in them is not interpreted.
const STORY_LINES = 10;
const RETRY_MS = 3000;

const at = (id) => document.getElementById(id);
const titleOf = ({ title }) => title || 'Untitled';
const time = () => new Date().toLocaleTimeString('en-GB');
/** The shown posts, by key. */
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

/** The posts as they are. All but the first follow a gap between this page and its server. */
function showAll(posts) {
    const newCard = (post) => {
        const old = shown.get(post.id);
        if (isFirst || JSON.stringify(old) === JSON.stringify(post)) {
            return cardOf(post);
        }
        return cardOf(post, 'missed', old ? 'changed in the gap' : 'new in the gap');
    };
    at('posts').replaceChildren(...posts.map(newCard));
    shown = new Map(posts.map((post) => [post.id, post]));
    if (isFirst) {
        notice('');
        tell('snapshot');
    } else {
        tellOfGap();
    }
    isFirst = false;
    count();
}

/** Some posts have changed; in a gap of the web server's link, if it says so. */
function showChanges({ gap, changes }) {
    for (const change of changes) {
        show(change, gap);
    }
    if (gap) {
        tellOfGap();
    }
    count();
}

function tellOfGap() {
    notice(`RESYNC at ${time()}: after a gap, these are the posts as they are now.`);
    tell('resync');
}

const WORDS = { added: 'created', modified: 'updated', removed: 'deleted' };
const WORDS_IN_GAP = { added: 'new in the gap', modified: 'changed in the gap' };

/** One change: a post is removed at `oldIndex`, then inserted at `newIndex`, where it has such an index. */
function show({ kind, row: post, oldIndex, newIndex }, gap) {
    const cards = at('posts').children;
    cards[oldIndex]?.remove();
    shown.delete(post.id);
    if (newIndex !== undefined) {
        const card = gap
            ? cardOf(post, 'missed', WORDS_IN_GAP[kind])
            : cardOf(post, WORDS[kind], `${WORDS[kind]} ${time()}`);
        at('posts').insertBefore(card, cards[newIndex] ?? null);
        shown.set(post.id, post);
    }
    tell(WORDS[kind], titleOf(post));
}

const HANDLERS = {
    state: ({ state }) => showState(state === 'connected', `There is no link to Directus (${state}).`),
    posts: showAll,
    changes: showChanges,
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
