//! What a client can be asked, for both faces: how a call is read, where it runs, and what it
//! reports.
//!
//! - [`arguments`]: options and other structured arguments.
//! - [`dispatch`]: how much of a call runs on the caller's thread, and how the rest goes on.
//! - `insert`, `search`: the calls that keep something from one attempt to the next.
//! - [`reports`]: reports, as JSON and as a schema of it.

pub mod arguments;
pub mod dispatch;
mod insert;
pub mod reports;
mod search;

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

/// Makes a collection; its files are not made on the caller's thread.
pub fn create(call: &Call, access: Access, config: Config) -> Result<Arc<Collection>> {
    if access == Access::Now && call.fsync().is_some() {
        return Err(Error::WouldBlock);
    }
    call.create_collection(config)
}

/// All collections, by name, with their numbers of vectors.
pub fn counted(call: &Call, access: Access) -> Result<Vec<(Arc<Collection>, usize)>> {
    let all = call.collections();
    if access == Access::Now && all.len() > INLINE_COLLECTIONS {
        return Err(Error::WouldBlock);
    }
    let mut counted = Vec::with_capacity(all.len());
    for collection in all {
        match collection.count(access, None) {
            Ok(count) => counted.push((collection, count)),
            // Deleted since the list was taken.
            Err(Error::CollectionNotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(counted)
}
