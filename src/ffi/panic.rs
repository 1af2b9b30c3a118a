//! No panic crosses the ABI, and every failure sets the thread's last error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::last_error::fail;
use super::status::{DRT_ERR_INTERNAL, DRT_OK, drt_status};
use crate::error::{Error, Result, Status};

/// Runs the body of a function that returns a status.
pub(super) fn run(body: impl FnOnce() -> Result<()>) -> drt_status {
    status(|| body().map(|()| DRT_OK))
}

/// The same for a body that returns a status of its own, such as `DRT_DUPLICATE`.
pub(super) fn status(body: impl FnOnce() -> Result<drt_status>) -> drt_status {
    value(DRT_ERR_INTERNAL, || match body() {
        Ok(status) => Ok(status),
        Err(error) => Ok(fail(&error)),
    })
}

/// Runs the body of a function that returns another type; `otherwise` is returned after a failure.
pub(super) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            fail(&error);
            otherwise
        }
        Err(_) => {
            let message = "internal error: this is a bug in directus-realtime, please report it";
            fail(&Error::new(Status::Internal, message));
            otherwise
        }
    }
}
