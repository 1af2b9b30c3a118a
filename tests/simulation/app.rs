//! The application: its subscriptions, requests and scopes, and what its callbacks call.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use directus_realtime::delivery::Mode;
use directus_realtime::handover::{DeliveryOptions, State};
use directus_realtime::protocol::outgoing::query_for_item;
use directus_realtime::session::NewSubscription;
use directus_realtime::subscriptions::spec::ON_ALL;
use directus_realtime::subscriptions::{ScopeId, SubId, SubscriptionSpec};

use crate::client::{Client, EPOCH};
use crate::lives::{LiveCopy, OpenLive};
use crate::mirror::{Mirror, Shared};
use crate::schedule::{Answer, Fate, Login, MessageOptions, Reaction, Setting, SubscribeOptions};
use crate::secrets;
use crate::sinks::{Reply, Reported, Sink, States, Tokens, TrackedMessage};

/// For how long it must be quiet before rows are read again.
const SETTLE: Duration = Duration::from_millis(250);

pub struct Live {
    pub id: SubId,
    pub scope: Option<ScopeId>,
    pub mirror: Arc<Mirror>,
}

impl Live {
    fn persists(&self) -> bool {
        self.mirror.options.persistent
    }
}

#[derive(Default)]
pub struct AppState {
    pub live: Vec<Live>,
    pub mirrors: Vec<Arc<Mirror>>,
    pub open_lives: Vec<OpenLive>,
    pub live_copies: Vec<Arc<LiveCopy>>,
    pub lives_made: u64,
    pub scopes: Vec<ScopeId>,
    pub requests: Vec<Arc<TrackedMessage>>,
    /// Tokens that the application sets later, and when.
    pub late: Vec<(Duration, String)>,
    /// How often the token callback ran, and how many tokens were made.
    asked: usize,
    tokens: usize,
    /// The last token.
    token: Option<String>,
    numbers: u64,
    /// The faults are over: tokens are valid, and set at once.
    pub faults_are_over: bool,
    /// The application makes no more calls from its callbacks.
    pub is_finished: bool,
}

pub struct App {
    pub client: Arc<Client>,
    pub setting: Setting,
    pub shared: Shared,
    pub reported: Arc<Mutex<Reported>>,
    state: Mutex<AppState>,
    this: Weak<App>,
}

impl App {
    pub fn new(setting: &Setting, seed: u64, mode: Mode) -> Arc<App> {
        let shared = Shared {
            stale: setting.stale,
            ..Shared::default()
        };
        let token = match setting.login {
            Login::Jwt(life) => Some(secrets::jwt(EPOCH, EPOCH + life, 0)),
            Login::Token | Login::Strict => Some(secrets::TOKENS[0].to_owned()),
            Login::Public | Login::Password(_) | Login::Refresh(_) => None,
        };
        let client = Client::new(setting, seed, token.as_deref(), mode, &shared);
        let app = Arc::new_cyclic(|this| App {
            client,
            setting: setting.clone(),
            shared,
            reported: Arc::default(),
            state: Mutex::new(AppState {
                token,
                ..AppState::default()
            }),
            this: this.clone(),
        });
        app.client.on_state(Box::new(States {
            reported: Arc::clone(&app.reported),
            violations: app.shared.violations.clone(),
            app: setting.reactive.then(|| app.this.clone()),
        }));
        if !setting.answers.is_empty() {
            app.client.on_token(Box::new(Tokens(app.this.clone())));
        }
        app
    }

    pub fn state(&self) -> MutexGuard<'_, AppState> {
        self.state.lock().expect("no panic before")
    }

    /// A token that is valid now.
    fn fresh_token(&self) -> String {
        let now = EPOCH + self.client.time();
        let mut state = self.state();
        state.tokens += 1;
        let life = self.setting.lifetime(state.faults_are_over);
        let token = match (self.setting.login, life) {
            (Login::Jwt(_), Some(life)) => secrets::jwt(now, now + life, state.tokens),
            _ => secrets::TOKENS[1].to_owned(),
        };
        state.token = Some(token.clone());
        token
    }

    pub fn set_token(&self, good: bool) {
        if good {
            self.client.set_token(&self.fresh_token());
        } else {
            self.client.set_token(secrets::WRONG_TOKEN);
        }
    }

    /// The token callback.
    pub fn token_wanted(&self) {
        let (answer, stale) = {
            let mut state = self.state();
            let answers = &self.setting.answers;
            let answer = answers[state.asked % answers.len()];
            state.asked += 1;
            let answer = if state.faults_are_over {
                Answer::AtOnce
            } else {
                answer
            };
            (answer, state.token.clone())
        };
        match answer {
            Answer::AtOnce => self.set_token(true),
            Answer::Late(time) => {
                let due = (self.client.time() + time, self.fresh_token());
                self.state().late.push(due);
            }
            Answer::Stale => {
                let wrong = secrets::WRONG_TOKEN;
                self.client.set_token(stale.as_deref().unwrap_or(wrong));
            }
            Answer::Never => {}
        }
    }

    /// Sets the tokens that are due.
    pub fn answer_late(&self, now: Duration) {
        let mut due = Vec::new();
        self.state().late.retain(|(at, token)| {
            let waits = *at > now;
            if !waits {
                due.push(token.clone());
            }
            waits
        });
        for token in due {
            self.client.set_token(&token);
        }
    }

    pub fn subscribe(&self, wanted: &SubscribeOptions) {
        let (number, scope) = {
            let mut state = self.state();
            state.numbers += 1;
            let scope = state.scopes.last().copied().filter(|_| wanted.scoped);
            (state.numbers, scope)
        };
        let mirror = Mirror::new(number, wanted, &self.shared);
        let item = wanted.item.map(|item| item.to_string());
        let query = item.as_deref().map(|item| {
            let query = query_for_item(None, "id", item).expect("a query");
            query.into_boxed_str()
        });
        let new = NewSubscription {
            uid: wanted.uid.map(|uid| format!("uid-{uid}")),
            collection: "posts".into(),
            spec: SubscriptionSpec {
                query,
                events: wanted.events,
                persistent: wanted.persistent,
                exact: wanted.exact,
                settle: wanted.settles.then_some(SETTLE),
            },
            delivery: DeliveryOptions {
                primary_key: "id".into(),
                per_message: wanted.per_message,
                item: item.map(Into::into),
            },
            scope,
            tag: number,
            sink: Box::new(Sink {
                mirror: Arc::clone(&mirror),
                app: self.this.clone(),
            }),
        };
        if let Some(id) = self.client.subscribe(new) {
            let mut state = self.state();
            state.mirrors.push(Arc::clone(&mirror));
            state.live.push(Live { id, scope, mirror });
        }
    }

    pub fn unsubscribe(&self, nth: usize) {
        let live = {
            let mut state = self.state();
            let count = state.live.len();
            (count > 0).then(|| state.live.remove(nth % count))
        };
        if let Some(live) = live {
            self.client.unsubscribe(live.id);
            live.mirror.end();
        }
    }

    pub fn resync(&self, nth: usize) {
        let id = {
            let state = self.state();
            let count = state.live.len();
            (count > 0).then(|| state.live[nth % count].id)
        };
        if let Some(id) = id {
            self.client.resync(id);
        }
    }

    pub fn unsubscribe_uid(&self, uid: u8) {
        // Earlier ones with that uid may have been refused and not yet been told.
        let name = format!("uid-{uid}");
        let last = {
            let core = self.client.core.lock().expect("no panic before");
            core.engine.session.registry().by_uid(&name).map(|s| s.id())
        };
        self.client.unsubscribe_uid(&name);
        self.forget(|live| match last {
            Some(last) => live.id == last,
            None => live.mirror.options.uid == Some(uid),
        });
    }

    pub fn unsubscribe_all(&self) {
        self.client.unsubscribe_all();
        self.forget(|live| !live.persists());
        self.forget_lives();
    }

    pub fn open_scope(&self) {
        let scope = self.client.open_scope();
        self.state().scopes.extend(scope);
    }

    pub fn close_scope(&self) {
        let scope = self.state().scopes.pop();
        if let Some(scope) = scope {
            self.client.close_scope(scope);
            self.forget(|live| live.scope == Some(scope) && !live.persists());
        }
    }

    /// Marks these as ended: from now on, any event of theirs is a violation.
    pub fn forget(&self, which: impl Fn(&Live) -> bool) {
        self.state().live.retain(|live| {
            let ended = which(live);
            if ended {
                live.mirror.end();
            }
            !ended
        });
    }

    pub fn request(&self, asked: MessageOptions) {
        if self.client.state() != State::Connected {
            return;
        }
        let message = self.track_message(asked);
        let sink = Reply {
            message: Arc::clone(&message),
            shared: self.shared.clone(),
            old_server: self.setting.old_server,
        };
        if self.client.request(&message.json(), Box::new(sink)) {
            self.state().requests.push(message);
        }
    }

    pub fn send(&self, asked: MessageOptions) {
        self.client.send(&self.track_message(asked).json());
    }

    fn track_message(&self, asked: MessageOptions) -> Arc<TrackedMessage> {
        let mut state = self.state();
        state.numbers += 1;
        Arc::new(TrackedMessage {
            number: state.numbers,
            asked,
            replies: AtomicUsize::new(0),
        })
    }

    /// Makes the call that a callback makes. `mirror` is the subscription of the callback.
    pub fn react(&self, reaction: Reaction, mirror: Option<&Arc<Mirror>>) {
        if self.state().is_finished {
            return;
        }
        match reaction {
            Reaction::EndItself => {
                let itself = |live: &Live| mirror.is_some_and(|m| Arc::ptr_eq(m, &live.mirror));
                let at = self.state().live.iter().position(itself);
                if let Some(nth) = at {
                    self.unsubscribe(nth);
                }
            }
            Reaction::EndAnother(nth) => self.unsubscribe(nth),
            Reaction::EndAll => self.unsubscribe_all(),
            Reaction::CloseScope => self.close_scope(),
            Reaction::Subscribe => self.subscribe(&SubscribeOptions {
                uid: None,
                exact: true,
                persistent: false,
                scoped: false,
                events: ON_ALL,
                item: None,
                per_message: false,
                settles: true,
                reaction: None,
            }),
            Reaction::Request => self.request(MessageOptions {
                own_uid: false,
                fate: Fate::Done,
            }),
            Reaction::Reconnect => self.client.reconnect(),
            // Happens in the release, not in the callback.
            Reaction::SubscribeAgain => {}
        }
    }
}
