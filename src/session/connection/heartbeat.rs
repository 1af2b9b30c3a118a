//! When the server was last heard, and what was sent to find out whether it is there and
//! to keep the link alive.

use std::time::Duration;

use crate::subscriptions::deleted_keys::Arrival;

/// At most so much of a silence counts as time in which the server was heard.
const SILENCE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub struct Heartbeat {
    /// What is known of the link that is up.
    link: Option<Liveness>,
    /// Time as far as the server was heard meanwhile. It counts no long silences.
    heard_time: Duration,
    /// That time at the end of the frames that are being read.
    batch_time: Duration,
    last_rtt: Duration,
}

#[derive(Debug)]
struct Liveness {
    last_heard: Duration,
    last_sent: Duration,
    /// When the server was asked whether it is still there, if it was.
    probed: Option<Duration>,
    /// The server answers pings (it does not when its heartbeat is off).
    answers_pings: bool,
    /// When the last pong was sent.
    pong: Option<Duration>,
}

/// What follows from a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The server has to be asked.
    Ask,
    /// It was asked, and the link is dead: silent for so long.
    Dead(Duration),
}

/// How to ask the server whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// It is known to answer pings.
    pub answers_pings: bool,
}

impl Heartbeat {
    /// A link is up.
    pub fn start(&mut self, now: Duration) {
        self.link = Some(Liveness {
            last_heard: now,
            last_sent: now,
            probed: None,
            answers_pings: false,
            pong: None,
        });
    }

    /// The link is gone.
    pub fn stop(&mut self) {
        self.link = None;
    }

    /// A batch of frames begins that has come over the present link.
    pub fn begin_batch(&mut self, now: Duration) {
        self.batch_time = self.heard_time + self.unheard_for(now);
    }

    /// The server has said something. Whether a link is up.
    pub fn heard(&mut self, now: Duration) -> bool {
        self.heard_time += self.unheard_for(now);
        let Some(link) = &mut self.link else {
            return false;
        };
        link.last_heard = now;
        link.probed = None;
        true
    }

    /// How long nothing was heard. After a long silence, what comes first may have been on
    /// the way all the time.
    fn unheard_for(&self, now: Duration) -> Duration {
        let heard = self.link.as_ref().map_or(now, |link| link.last_heard);
        now.saturating_sub(heard).min(SILENCE)
    }

    /// When what is heard now has come, by the time that counts no long silences.
    pub fn arrival(&self) -> Arrival {
        Arrival {
            from: self.heard_time,
            to: self.batch_time.max(self.heard_time),
        }
    }

    /// The present moment by that time.
    pub fn heard_time(&self) -> Duration {
        self.heard_time
    }

    /// A frame goes out.
    pub fn sent(&mut self, now: Duration) {
        if let Some(link) = &mut self.link {
            link.last_sent = now;
        }
    }

    /// How long the link was silent both ways.
    pub fn idle_for(&self, now: Duration) -> Duration {
        let last = self
            .link
            .as_ref()
            .map(|link| link.last_heard.max(link.last_sent));
        now.saturating_sub(last.unwrap_or(now))
    }

    /// The server has been silent for a heartbeat's time, since it was last heard or asked.
    pub fn silence(&self, now: Duration) -> Option<Silence> {
        let link = self.link.as_ref()?;
        Some(match link.probed {
            None => Silence::Ask,
            Some(_) => Silence::Dead(now.saturating_sub(link.last_heard)),
        })
    }

    /// The server is to be asked whether it is there; `None` where it has been already.
    pub fn probe(&mut self, now: Duration) -> Option<Probe> {
        let link = self.link.as_mut().filter(|link| link.probed.is_none())?;
        link.probed = Some(now);
        Some(Probe {
            answers_pings: link.answers_pings,
        })
    }

    /// The server has answered a ping. To be called before [`Heartbeat::heard`].
    pub fn on_pong(&mut self, now: Duration) {
        if let Some(link) = &mut self.link {
            link.answers_pings = true;
            if let Some(asked) = link.probed {
                self.last_rtt = now.saturating_sub(asked);
            }
        }
    }

    /// A pong is sent.
    pub fn pong(&mut self, now: Duration) {
        if let Some(link) = &mut self.link {
            link.pong = Some(now);
        }
    }

    /// Whether the last pong was sent no earlier than that.
    pub fn has_ponged_since(&self, since: Duration) -> bool {
        let pong = self.link.as_ref().and_then(|link| link.pong);
        pong.is_some_and(|at| at >= since)
    }

    /// How long the reply to the last ping took.
    pub fn last_rtt(&self) -> Duration {
        self.last_rtt
    }
}
