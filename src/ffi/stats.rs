//! `drt_stats`.

use super::handle;
use super::out_struct;
use super::panic;
use super::status::drt_status;
use super::strings::is_null;
use super::types::drt_client;
use crate::client::Stats;

/// Counters of a client since its creation. Initialise it with `DRT_STATS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct drt_stats {
    /// `sizeof(drt_stats)`.
    pub struct_size: usize,
    /// Number of links that reached `DRT_STATE_CONNECTED`.
    pub connects: u64,
    /// The same without the first one.
    pub reconnects: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Bytes of their payloads.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes of their payloads.
    pub bytes_out: u64,
    /// Events delivered.
    pub events: u64,
    /// INIT events marked `DRT_FLAG_RESYNC`.
    pub resyncs: u64,
    /// How often a subscription lost the events that waited because `queue_bytes` was used up.
    pub overflows: u64,
    /// Messages of the server that wait for the application at present.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Subscriptions at present.
    pub subscriptions: u64,
    /// Subscriptions that the server has confirmed on the present link.
    pub active_subscriptions: u64,
    /// The last heartbeat's round trip in microseconds; 0 = none yet.
    pub last_rtt_us: u64,
}

/// Copies the counters; `out->struct_size` says how many bytes `out` has.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_stats(
    client: *mut drt_client,
    out: *mut drt_stats,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        if out.is_null() {
            return Err(is_null("out"));
        }
        let stats = client.stats().into();
        // SAFETY: not NULL; it has the bytes that it says, by the caller's promise.
        unsafe { out_struct::write(out, &stats, "DRT_STATS_INIT") }
    })
}

impl From<Stats> for drt_stats {
    fn from(stats: Stats) -> drt_stats {
        drt_stats {
            struct_size: size_of::<drt_stats>(),
            connects: stats.connects,
            reconnects: stats.reconnects,
            frames_in: stats.frames_in,
            bytes_in: stats.bytes_in,
            frames_out: stats.frames_out,
            bytes_out: stats.bytes_out,
            events: stats.events,
            resyncs: stats.resyncs,
            overflows: stats.overflows,
            queued_events: stats.queued_events,
            queued_bytes: stats.queued_bytes,
            subscriptions: stats.subscriptions,
            active_subscriptions: stats.active_subscriptions,
            last_rtt_us: stats.last_rtt_us,
        }
    }
}
