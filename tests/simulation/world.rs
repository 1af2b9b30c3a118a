//! One run: the application, the network, the server and other users, step by step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use directus_realtime::delivery::Mode;
use directus_realtime::session::Effect;

use crate::app::App;
use crate::client::Client;
use crate::memory;
use crate::network::{Arrival, Network};
use crate::schedule::{Schedule, Setting};
use crate::secrets;
use crate::server::{Out, Server};

/// The longest time that a closing handshake takes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// More events than any run has, unless the client spins.
const MOST_TICKS: u64 = 200_000;

pub struct World {
    pub setting: Setting,
    pub now: Duration,
    pub app: Arc<App>,
    pub client: Arc<Client>,
    pub network: Network,
    pub server: Server,
    pub server_back_at: Option<Duration>,
    /// The tokens in the URLs of links that are being opened.
    tokens: BTreeMap<u64, String>,
    /// Links in their closing handshake, and when it times out.
    pub closing: BTreeMap<u64, Duration>,
    /// Links that the client considers open.
    pub held: Vec<u64>,
    /// No message was delayed so far: a link that the client closes leaves no subscribes
    /// behind.
    pub undisturbed: bool,
    /// The network has stood still.
    pub was_stalled: bool,
    /// How many callbacks are run at a time; 0 = all, `None` = none.
    pub pace: Option<usize>,
    pub dispatches: bool,
    /// No callback is queued.
    pub all_delivered: bool,
    /// The permission to read was taken away at some time.
    pub was_revoked: bool,
    /// How often the timer went off.
    pub wakes: u64,
    /// How many ticks in a row passed without any time.
    idle_ticks: u32,
    pub ticks: u64,
    /// Print everything that happens.
    pub trace: bool,
}

/// Runs a schedule; the error is the first violation.
pub fn run(schedule: &Schedule, trace: bool) -> Result<(), String> {
    let before = memory::live();
    live(schedule, trace)?;
    let left = memory::live() - before;
    if left != 0 {
        return Err(format!("I8: {left} bytes are never freed"));
    }
    Ok(())
}

fn live(schedule: &Schedule, trace: bool) -> Result<(), String> {
    let mut world = World::new(&schedule.setting, schedule.seed, Mode::Poll);
    world.trace = trace;
    for step in &schedule.steps {
        world.print_trace(|| format!("-- {:?}", step.action));
        world.act(&step.action);
        world.advance(step.then)?;
    }
    world.print_trace(|| "-- the faults are over".to_owned());
    world.end_faults();
    world.check_convergence()?;
    world.check_idleness()?;
    world.check_convergence()?;
    world.check_emptiness()?;
    world.end()
}

impl World {
    pub fn new(setting: &Setting, seed: u64, mode: Mode) -> World {
        let app = App::new(setting, seed, mode);
        World {
            server: Server::new(setting.clone(), seed ^ 1, &app.shared),
            network: Network::new(seed ^ 2),
            setting: setting.clone(),
            now: Duration::ZERO,
            client: Arc::clone(&app.client),
            app,
            server_back_at: None,
            tokens: BTreeMap::new(),
            closing: BTreeMap::new(),
            held: Vec::new(),
            was_stalled: false,
            undisturbed: setting.rate_limit.is_none()
                && setting.slowness <= Duration::from_millis(200),
            pace: Some(setting.pace),
            dispatches: mode == Mode::Poll,
            all_delivered: false,
            was_revoked: false,
            wakes: 0,
            idle_ticks: 0,
            ticks: 0,
            trace: false,
        }
    }

    pub fn print_trace(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.4} {}", self.now.as_secs_f64(), what());
        }
    }

    pub fn report_lost(&mut self, link: u64, why: &str, http: Option<u16>) {
        if let Some(at) = self.held.iter().position(|&held| held == link) {
            self.held.remove(at);
            self.client.lost(link, why, http);
        }
    }

    /// The client's end of a link is gone. The server notices unless the network is dead.
    fn drop_link(&mut self, link: u64) {
        self.closing.remove(&link);
        self.tokens.remove(&link);
        self.network.cut(link);
        if !self.network.up_is_dead {
            self.server.drop_socket(link);
        }
    }

    /// Every link breaks.
    pub fn cut_all(&mut self, why: &str) {
        for link in self.network.links() {
            self.drop_link(link);
            self.report_lost(link, why, None);
        }
    }

    /// Every link breaks; a part of what is on the way arrives before that.
    pub fn reset_all(&mut self) {
        let mut out = Vec::new();
        for link in self.network.links() {
            let (up, down) = self.network.reset(link);
            for text in up {
                self.server.receive(self.now, link, &text, &mut out);
            }
            if !down.is_empty() && self.held.contains(&link) {
                self.client.frames(link, down);
            }
            self.drop_link(link);
            self.report_lost(link, "the connection was reset", None);
        }
        self.send(out);
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        loop {
            self.settle()?;
            let late = self.app.state().late.iter().map(|(at, _)| *at).min();
            let next = [
                self.client.next_deadline(),
                self.network.next_arrival(),
                self.server.next_task(),
                self.server_back_at,
                self.closing.values().min().copied(),
                late,
            ];
            let next = next.into_iter().flatten().min();
            let until = next.unwrap_or(end).min(end);
            self.check_quiet(until)?;
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
        self.idle_ticks = if stands_still { self.idle_ticks + 1 } else { 0 };
        self.ticks += 1;
        if self.idle_ticks > 2_000 || self.ticks > MOST_TICKS {
            return Err(format!("I8: the client spins at {:?}", self.now));
        }
        // Read before the tick, which may set another deadline.
        let timer_is_due = self.client.next_deadline().is_some_and(|at| at <= next);
        self.now = self.now.max(next);
        self.client.set_time(self.now);
        if self.server_back_at.is_some_and(|at| at <= self.now) {
            self.server_back_at = None;
            self.server.up = true;
        }
        self.app.answer_late(self.now);
        let mut out = Vec::new();
        self.server.run(self.now, &mut out);
        for arrival in self.network.arrivals(self.now, self.server.up) {
            self.arrive(arrival, &mut out)?;
        }
        self.send(out);
        let over = self.closing.iter().filter(|(_, at)| **at <= self.now);
        let over: Vec<u64> = over.map(|(&link, _)| link).collect();
        for link in over {
            self.drop_link(link);
            self.report_lost(link, "closed", None);
        }
        if timer_is_due {
            self.wakes += 1;
            self.client.on_timer();
        }
        Ok(())
    }

    fn send(&mut self, out: Vec<Out>) {
        for event in out {
            match event {
                Out::Send(link, text) => self.network.send_to_client(self.now, link, text),
                Out::Close(link) => self.network.drop_from_server(self.now, link),
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival, out: &mut Vec<Out>) -> Result<(), String> {
        self.print_trace(|| format!("   {arrival:?}"));
        match arrival {
            Arrival::Opened(link) => {
                let token = self.tokens.remove(&link);
                match self.server.accept(self.now, link, token.as_deref()) {
                    Ok(()) => self.client.opened(link),
                    Err(status) => {
                        self.network.cut(link);
                        let why = format!("the server answered {status}");
                        self.report_lost(link, &why, Some(status));
                    }
                }
            }
            Arrival::Refused(link, why) => {
                self.tokens.remove(&link);
                self.report_lost(link, why, None);
            }
            Arrival::Request(link, text) => self.server.receive(self.now, link, &text, out),
            Arrival::Closed(link) => {
                let left = self.server.under_way(link);
                if self.undisturbed && left > 0 {
                    return Err(format!("I8: link {link} is closed, {left} subscribes left"));
                }
                self.server.drop_socket(link);
                self.closing.remove(&link);
                self.report_lost(link, "closed", None);
            }
            Arrival::Frames(link, texts) => {
                if self.held.contains(&link) {
                    self.client.frames(link, texts);
                }
            }
            Arrival::Dropped(link) => {
                self.closing.remove(&link);
                self.report_lost(
                    link,
                    "the server closed the connection without a close frame",
                    None,
                );
            }
        }
        Ok(())
    }

    /// Carries out the client's effects, runs callbacks and checks, until nothing is left.
    pub fn settle(&mut self) -> Result<(), String> {
        let mut rounds = 0;
        loop {
            for effect in self.client.take_effects() {
                self.carry_out(effect);
            }
            if let Some(pace) = self.pace.filter(|_| self.dispatches) {
                self.all_delivered = self.client.dispatch(pace);
            }
            self.check_step()?;
            let core = self.client.core.lock().expect("no panic before");
            if core.effects.is_empty() {
                return Ok(());
            }
            rounds += 1;
            if rounds > 10_000 {
                return Err("I8: client and application call each other for ever".into());
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let shown = format!("{effect:?}");
        if secrets::is_in(&shown) {
            self.app.shared.violations.add(format!("I9: {shown}"));
        }
        self.print_trace(|| match &effect {
            Effect::Send { link, text } => format!("   -> {link} {text}"),
            _ => format!("   {shown}, {:?}", self.client.state()),
        });
        match effect {
            Effect::Open {
                link, access_token, ..
            } => {
                self.held.push(link);
                self.network.open(self.now, link);
                if let Some(token) = access_token {
                    self.tokens.insert(link, token.expose().to_owned());
                }
            }
            Effect::Send { link, text } => self.network.send_to_server(self.now, link, text),
            Effect::Close(link) => {
                self.network.close(self.now, link);
                self.closing.insert(link, self.now + CLOSE_TIMEOUT);
            }
            Effect::Abort(link) => {
                self.held.retain(|&held| held != link);
                self.drop_link(link);
            }
            Effect::End(_) | Effect::Log(..) => {}
        }
    }

    /// Ends all faults: network, server and application work from now on.
    pub fn end_faults(&mut self) {
        self.network.revive();
        self.server_back_at = None;
        self.server.end_faults();
        self.pace = Some(0);
        self.app.state().faults_are_over = true;
        self.client.connect();
        self.app.set_token(true);
    }
}
