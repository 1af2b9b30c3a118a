//! Random waits, so that many clients do not all come back at the same time.

use std::time::Duration;

/// A random time below min·2^exponent, capped at max.
pub fn jitter(min: Duration, max: Duration, exponent: u32, rng: &mut fastrand::Rng) -> Duration {
    let bound = min.saturating_mul(1 << exponent.min(24)).min(max.max(min));
    bound.mul_f64(rng.f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_maximum_and_the_jitter_is_full() {
        let (min, max) = (Duration::from_millis(250), Duration::from_secs(30));
        let mut rng = fastrand::Rng::with_seed(1);
        for exponent in 0..40 {
            let bound = min.saturating_mul(1 << exponent.min(24)).min(max);
            let waits: Vec<_> = (0..500)
                .map(|_| jitter(min, max, exponent, &mut rng))
                .collect();
            assert!(waits.iter().all(|w| *w <= bound));
            assert!(
                waits.iter().any(|w| *w < bound / 10),
                "full jitter reaches down to zero"
            );
            assert!(
                waits.iter().any(|w| *w > bound / 10 * 9),
                "and up to the bound"
            );
        }
    }
}
