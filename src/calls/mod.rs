//! The calls of a client, shared by both APIs: how their arguments are read, where they run, and
//! what they report.
//!
//! - [`arguments`]: options and other structured arguments.
//! - [`dispatch`]: how much of a call runs on the caller's thread, and how the rest continues.
//! - [`expiry`]: when vectors expire.
//! - `insert`, `search`: the calls that keep state between attempts.
//! - [`period`]: for how long what is deleted can be brought back.
//! - [`reports`]: reports, as JSON and as a JSON schema.
//! - [`updates`]: updates of many vectors.

pub mod arguments;
pub mod dispatch;
pub mod expiry;
mod insert;
pub mod period;
pub mod reports;
mod search;
pub mod updates;

use std::sync::Arc;

pub use dispatch::{Dispatch, Task};
pub use insert::Insert;
pub use search::{Search, Wanted};

use crate::{
    client::Call,
    collection::{Access, Collection, Config},
    error::{Error, Result},
};

/// Up to this many collections, they are counted on the caller's thread.
const INLINE_COLLECTIONS: usize = 64;

/// Creates a collection; its files are never created on the caller's thread.
pub fn create(call: &Call, access: Access, config: Config) -> Result<Arc<Collection>> {
    if access == Access::Now && call.fsync().is_some() {
        return Err(Error::WouldBlock);
    }
    call.create_collection(config)
}

/// All collections, sorted by name, with the number of vectors in each.
pub fn counted(call: &Call, access: Access) -> Result<Vec<(Arc<Collection>, usize)>> {
    let all = call.collections();
    if access == Access::Now && all.len() > INLINE_COLLECTIONS {
        return Err(Error::WouldBlock);
    }
    let mut counted = Vec::with_capacity(all.len());
    for collection in all {
        match collection.count(access, None) {
            Ok(count) => counted.push((collection, count)),
            // It has been deleted since the list was taken.
            Err(Error::CollectionNotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(counted)
}
