//! Shrinks a failing schedule: leaves out steps, simplifies its setting and shortens its
//! times, as long as it still breaks the same invariant.

use std::time::Duration;

use crate::runner::verdict;
use crate::schedule::{Login, Schedule, Setting};

/// The smallest schedule that was found to break the same invariant.
pub fn shrink(schedule: Schedule, violation: String) -> (Schedule, String) {
    // Otherwise the panic of each attempt would be printed.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut shrinking = Shrinking {
        schedule,
        violation,
    };
    shrinking.leave_steps_out();
    shrinking.simplify_setting();
    shrinking.save_time();
    shrinking.leave_steps_out();
    std::panic::set_hook(hook);
    (shrinking.schedule, shrinking.violation)
}

struct Shrinking {
    schedule: Schedule,
    violation: String,
}

impl Shrinking {
    /// Keeps the smaller schedule if it breaks the same invariant.
    fn try_out(&mut self, less: Schedule) -> bool {
        match verdict(&less, false) {
            Err(same) if same.get(..2) == self.violation.get(..2) => {
                (self.schedule, self.violation) = (less, same);
                true
            }
            _ => false,
        }
    }

    fn leave_steps_out(&mut self) {
        let mut chunk = self.schedule.steps.len().div_ceil(2);
        while chunk > 0 {
            let mut at = 0;
            while at < self.schedule.steps.len() {
                let mut less = self.schedule.clone();
                let end = (at + chunk).min(less.steps.len());
                less.steps.drain(at..end);
                if !self.try_out(less) {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
    }

    fn simplify_setting(&mut self) {
        let simpler: [fn(&mut Setting); 16] = [
            |setting| (setting.old_server, setting.withholds) = (false, false),
            |setting| setting.withholds = false,
            |setting| setting.rate_limit = None,
            |setting| setting.silent_one_in = 0,
            |setting| setting.slowness = Duration::from_millis(2),
            |setting| setting.queue_bytes = 1 << 20,
            |setting| setting.send_queue_bytes = 0,
            |setting| setting.replicas = 1,
            |setting| setting.skew = 0,
            |setting| setting.pace = 0,
            |setting| setting.reactive = false,
            |setting| setting.overtakes = None,
            |setting| setting.stale = false,
            |setting| setting.loses_creates = false,
            |setting| setting.login = Login::Token,
            |setting| {
                // A JWT needs the callback: once it expires without one, the client fails.
                if !matches!(setting.login, Login::Jwt(_)) {
                    setting.answers.clear();
                }
            },
        ];
        for simplify in simpler {
            let mut less = self.schedule.clone();
            simplify(&mut less.setting);
            if less.setting != self.schedule.setting {
                self.try_out(less);
            }
        }
    }

    fn save_time(&mut self) {
        for at in 0..self.schedule.steps.len() {
            for time in [Duration::ZERO, Duration::from_millis(10)] {
                let mut less = self.schedule.clone();
                if less.steps[at].then > time {
                    less.steps[at].then = time;
                    if self.try_out(less) {
                        break;
                    }
                }
            }
        }
    }
}
