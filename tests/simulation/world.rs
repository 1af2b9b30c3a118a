//! One run: the client, the network, the server and the users, step by step.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use directus_realtime::handover::{Shape, State};
use directus_realtime::session::{Effect, NewSubscription, Subscribed};
use directus_realtime::subscriptions::subscription::{ON_ALL, ON_UPDATE};
use directus_realtime::subscriptions::{ScopeId, SubId, Wish};

use crate::client::Client;
use crate::mirror::{Complaints, Mirror, Reply, Sink, States};
use crate::network::{Arrival, Network};
use crate::schedule::{Action, Schedule, Setting, Wanted};
use crate::server::{GOOD_TOKENS, Out, Server};

/// The longest time that a link takes to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long everything gets to come right in the end.
const RECOVERY: Duration = Duration::from_secs(400);

pub struct Live {
    pub id: SubId,
    pub persistent: bool,
    pub scope: Option<ScopeId>,
    pub mirror: Arc<Mirror>,
}

pub struct World {
    pub setting: Setting,
    pub now: Duration,
    pub client: Arc<Client>,
    pub network: Network,
    pub server: Server,
    pub server_back_at: Option<Duration>,
    /// Links that say goodbye, and until when.
    pub closing: BTreeMap<u64, Duration>,
    /// Links that the client still thinks it has.
    pub held: Vec<u64>,
    pub live: Vec<Live>,
    pub mirrors: Vec<Arc<Mirror>>,
    pub scopes: Vec<ScopeId>,
    pub requests: Vec<Arc<AtomicUsize>>,
    pub stalled: bool,
    /// The permission to read was taken away at some time.
    pub was_revoked: bool,
    pub sequence: Arc<Mutex<u64>>,
    pub complaints: Complaints,
    /// Timers that went off, and how many in a row at one moment.
    pub wakes: u64,
    pub in_vain: u32,
    /// Tell everything that happens.
    pub trace: bool,
}

/// Runs a schedule; what went wrong, if anything did.
pub fn run(schedule: &Schedule, trace: bool) -> Result<(), String> {
    let mut world = World::new(schedule);
    world.trace = trace;
    for step in &schedule.steps {
        world.say(|| format!("-- {:?}", step.action));
        world.act(&step.action);
        world.advance(step.then)?;
    }
    world.say(|| "-- everybody means well".to_owned());
    world.heal();
    world.advance(RECOVERY)?;
    world.check_convergence()?;
    world.check_idleness()?;
    world.end()
}

impl World {
    fn new(schedule: &Schedule) -> World {
        let (setting, seed) = (schedule.setting.clone(), schedule.seed);
        let client = Client::new(&setting, seed);
        let complaints = Complaints::default();
        client.on_state(Box::new(States {
            last: Mutex::new(State::Idle),
            complaints: complaints.clone(),
        }));
        World {
            server: Server::new(setting.clone(), seed ^ 1),
            network: Network::new(seed ^ 2),
            setting,
            now: Duration::ZERO,
            client,
            server_back_at: None,
            closing: BTreeMap::new(),
            held: Vec::new(),
            live: Vec::new(),
            mirrors: Vec::new(),
            scopes: Vec::new(),
            requests: Vec::new(),
            stalled: false,
            was_revoked: false,
            sequence: Arc::default(),
            complaints,
            wakes: 0,
            in_vain: 0,
            trace: false,
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.4} {}", self.now.as_secs_f64(), what());
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Connect => self.client.connect(),
            Action::Disconnect => self.client.disconnect(),
            Action::Reconnect => self.client.reconnect(),
            Action::SetToken { good: true } => self.client.set_token(GOOD_TOKENS[1]),
            Action::SetToken { good: false } => self.client.set_token("s3cret-wrong"),
            Action::Subscribe(wanted) => self.subscribe(wanted),
            Action::Unsubscribe(nth) => {
                if !self.live.is_empty() {
                    let live = self.live.remove(nth % self.live.len());
                    self.client.unsubscribe(live.id);
                    live.mirror.end();
                }
            }
            Action::UnsubscribeAll => {
                self.client.unsubscribe_all();
                self.forget(|live| !live.persistent);
            }
            Action::OpenScope => self.scopes.extend(self.client.open_scope()),
            Action::CloseScope => {
                if let Some(scope) = self.scopes.pop() {
                    self.client.close_scope(scope);
                    self.forget(|live| live.scope == Some(scope) && !live.persistent);
                }
            }
            Action::Stall => self.stalled = true,
            Action::Wake => self.stalled = false,
            Action::Request => {
                let replies = Arc::new(AtomicUsize::new(0));
                let sink = Reply {
                    replies: Arc::clone(&replies),
                    complaints: self.complaints.clone(),
                };
                let by = self.requests.len();
                let json = format!(
                    r#"{{"type":"items","collection":"posts","action":"create","data":{{"by":{by}}}}}"#
                );
                if self.client.state() == State::Connected {
                    self.requests.push(replies);
                    self.client.request(&json, Box::new(sink));
                }
            }
            Action::Create => self.server.create(self.now),
            Action::Update(nth) => self.server.update(self.now, *nth),
            Action::Delete { nth, by_url } => self.server.delete(self.now, *nth, *by_url),
            Action::Cut => self.cut_all("the connection was reset"),
            Action::Freeze => self.network.frozen = true,
            Action::Thaw => self.network.frozen = false,
            Action::Restart { away } => {
                self.server.stop();
                if !self.network.frozen {
                    self.cut_all("the server dropped the connection");
                }
                self.server_back_at = Some(self.now + *away);
            }
            Action::Revoke => {
                self.server.revoked = true;
                self.was_revoked = true;
            }
            Action::Grant => self.server.revoked = false,
            Action::Nothing => {}
        }
    }

    fn subscribe(&mut self, wanted: &Wanted) {
        let name = format!("subscription {}", self.mirrors.len());
        let (only, exact) = (wanted.changes_only, wanted.exact);
        let mirror = Mirror::new(
            name,
            only,
            exact,
            &self.complaints,
            &self.sequence,
            &self.client.overflowed,
        );
        let scope = self.scopes.last().copied().filter(|_| wanted.scoped);
        let new = NewSubscription {
            uid: wanted.uid.map(|uid| format!("uid-{uid}")),
            collection: "posts".into(),
            wish: Wish {
                query: None,
                events: if only { ON_UPDATE } else { ON_ALL },
                persistent: wanted.persistent,
                exact,
            },
            shape: Shape {
                primary_key: "id".into(),
                ..Shape::default()
            },
            scope,
            tag: 0,
            sink: Box::new(Sink(Arc::clone(&mirror))),
        };
        if let Subscribed::New(id) = self.client.subscribe(new) {
            self.live.push(Live {
                id,
                persistent: wanted.persistent,
                scope,
                mirror: Arc::clone(&mirror),
            });
            self.mirrors.push(mirror);
        }
    }

    pub fn forget(&mut self, which: impl Fn(&Live) -> bool) {
        self.live.retain(|live| {
            let ended = which(live);
            if ended {
                live.mirror.end();
            }
            !ended
        });
    }

    /// Every link breaks. A frozen network does not let the server know.
    fn cut_all(&mut self, why: &str) {
        for link in self.network.links() {
            self.network.cut(link);
            self.closing.remove(&link);
            if !self.network.frozen {
                self.server.drop_socket(link);
            }
            self.tell_lost(link, why);
        }
    }

    fn tell_lost(&mut self, link: u64, why: &str) {
        if let Some(at) = self.held.iter().position(|&held| held == link) {
            self.held.remove(at);
            self.client.lost(link, why);
        }
    }

    /// Time passes.
    pub fn advance(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        loop {
            self.settle()?;
            let next = [
                self.client.next_deadline(),
                self.network.next_arrival(),
                self.server.next_task(),
                self.server_back_at,
                self.closing.values().min().copied(),
            ];
            let next = next.into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else {
                break;
            };
            self.tick(next)?;
        }
        self.now = end;
        self.client.set_time(end);
        Ok(())
    }

    fn tick(&mut self, next: Duration) -> Result<(), String> {
        let stands_still = next <= self.now;
        self.in_vain = if stands_still { self.in_vain + 1 } else { 0 };
        if self.in_vain > 2_000 {
            return Err(format!("I8: the client spins at {:?}", self.now));
        }
        // The alarm was set before.
        let alarm = self.client.next_deadline().is_some_and(|at| at <= next);
        self.now = self.now.max(next);
        self.client.set_time(self.now);
        if self.server_back_at.is_some_and(|at| at <= self.now) {
            self.server_back_at = None;
            self.server.up = true;
        }
        let mut out = Vec::new();
        self.server.run(self.now, &mut out);
        for arrival in self.network.arrivals(self.now, self.server.up) {
            self.arrive(arrival, &mut out);
        }
        for event in out {
            match event {
                Out::Say(link, text) => self.network.say(self.now, link, text),
                Out::Close(link) => self.network.drop_from_server(self.now, link),
            }
        }
        let over: Vec<u64> = self
            .closing
            .iter()
            .filter(|(_, at)| **at <= self.now)
            .map(|(&link, _)| link)
            .collect();
        for link in over {
            self.closing.remove(&link);
            self.network.cut(link);
            if !self.network.frozen {
                self.server.drop_socket(link);
            }
            self.tell_lost(link, "closed");
        }
        if alarm {
            self.wakes += 1;
            self.client.on_timer();
        }
        Ok(())
    }

    fn arrive(&mut self, arrival: Arrival, out: &mut Vec<Out>) {
        self.say(|| format!("   {arrival:?}"));
        match arrival {
            Arrival::Opened(link) => {
                self.server.accept(self.now, link);
                self.client.opened(link);
            }
            Arrival::Refused(link, why) => self.tell_lost(link, why),
            Arrival::Request(link, text) => self.server.receive(self.now, link, &text, out),
            Arrival::Closed(link) => {
                self.server.drop_socket(link);
                self.closing.remove(&link);
                self.tell_lost(link, "closed");
            }
            Arrival::Frames(link, texts) => {
                if self.held.contains(&link) {
                    self.client.frames(link, texts);
                }
            }
            Arrival::Dropped(link) => {
                self.closing.remove(&link);
                self.tell_lost(link, "the server dropped the connection");
            }
        }
    }

    /// Carries out what the client wants, lets the application run, and looks.
    fn settle(&mut self) -> Result<(), String> {
        loop {
            let effects = self.client.take_effects();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
        if !self.stalled {
            self.client.dispatch();
        }
        let stats = self.client.delivery().stats();
        if stats.queued_bytes > self.setting.queue_bytes && stats.queued_events > 1 {
            return Err(format!("I6: {} bytes wait", stats.queued_bytes));
        }
        match self.complaints.first() {
            Some(complaint) => Err(complaint),
            None if self.client_has_effects() => self.settle(),
            None => Ok(()),
        }
    }

    fn client_has_effects(&self) -> bool {
        !self
            .client
            .core
            .lock()
            .expect("no panic before")
            .effects
            .is_empty()
    }

    fn carry_out(&mut self, effect: Effect) {
        let shown = format!("{effect:?}");
        if shown.contains("s3cret") {
            self.complaints.add(format!("I9: {shown}"));
        }
        self.say(|| match &effect {
            Effect::Send { link, text } => format!("   -> {link} {text}"),
            _ => format!("   {shown}, {:?}", self.client.state()),
        });
        match effect {
            Effect::Open { link, .. } => {
                self.held.push(link);
                self.network.open(self.now, link);
            }
            Effect::Send { link, text } => self.network.send(self.now, link, text),
            Effect::Close(link) => {
                self.network.close(self.now, link);
                self.closing.insert(link, self.now + FAREWELL);
            }
            Effect::Abort(link) => {
                self.held.retain(|&held| held != link);
                self.closing.remove(&link);
                self.network.cut(link);
                if !self.network.frozen {
                    self.server.drop_socket(link);
                }
            }
            Effect::End(_) | Effect::Log(..) => {}
        }
    }

    /// Everybody means well again.
    fn heal(&mut self) {
        self.network.frozen = false;
        self.server.revoked = false;
        self.server_back_at = None;
        self.server.up = true;
        self.server.calm_down();
        self.stalled = false;
        if !matches!(self.client.state(), State::Connected) {
            self.client.connect();
        }
        self.client.set_token(GOOD_TOKENS[1]);
    }
}
