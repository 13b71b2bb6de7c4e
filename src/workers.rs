//! Threads for work that somebody waits for and that can be divided.

use std::sync::OnceLock;

/// A pool of all cores, at normal priority. `None` where its threads cannot be had: then
/// the caller's thread does it all.
pub fn workers() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .thread_name(|i| format!("vectorizer-work-{i}"))
            .build()
            .ok()
    })
    .as_ref()
}
