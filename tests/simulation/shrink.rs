//! Leaves out of a failing schedule what it fails without.

use crate::runner::verdict;
use crate::schedule::Schedule;

/// The smallest schedule that was found to break the same invariant.
pub fn shrink(mut schedule: Schedule, mut complaint: String) -> (Schedule, String) {
    // The panic of each attempt would be printed.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut chunk = schedule.steps.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < schedule.steps.len() {
            let mut less = schedule.clone();
            let end = (at + chunk).min(less.steps.len());
            less.steps.drain(at..end);
            match verdict(&less, false) {
                Err(same) if same.get(..2) == complaint.get(..2) => {
                    (schedule, complaint) = (less, same);
                }
                _ => at += chunk,
            }
        }
        chunk /= 2;
    }
    std::panic::set_hook(hook);
    (schedule, complaint)
}
