//! Collections on disk. A store is a directory:
//!
//! | | |
//! | --- | --- |
//! | `STORE` | says that this is a store, and of which version |
//! | `KEYRING` | the store key (`keyring.rs`) |
//! | `LOCK` | locked by the process that has the store open; holds its process id (on Windows `OWNER` does) |
//! | `collection-1/log.3` | everything a collection consists of (`log.rs`, `record.rs`) |
//! | `collection-1/keys.3` | the keys of what is in `log.3` (`keys.rs`, `seal.rs`) |
//! | `collection-1/graph` | its graph without any vector: only saves building it again |
//! | `RESERVE` | room that is kept for deletes on a full disk (`reserve.rs`) |
//! | `*.new`, `*.old`, `*.dropped` | what is being made or removed; gone after the next opening |
//!
//! Rows are read once, when the store is opened, and kept in memory. They are not mapped:
//! a disk that fails under a mapped file is a signal, which ends the process.

mod backup;
mod file;
mod handle;
mod header;
mod inspect;
mod journal;
mod keyring;
mod keys;
mod log;
mod record;
mod reserve;
mod root;
mod seal;
mod sync;

pub use backup::{Backup, Exported, Restored, Source, restore, verify};
pub use file::{File, Files, Interruption, Operation, failed, list};
pub use header::{GRAPH as GRAPH_FILE, PREAMBLE, RECORDS, check_preamble, preamble};
pub use inspect::{Inspected, Inspection, Thoroughness, inspect};
pub use journal::{Commit, Copy, Follower, Journal};
pub use keyring::{KEYRING, Keyring, StoreKeys, UserKey, wrapped};
pub use keys::{Keys, SEATS, Seats, TableKey};
pub use log::{
    Entry, EntryLocation, GRAPH, GRAPH_REPLACED, Index, Input, Known, Log, Summary, Writer,
};
pub use record::{HEAD, Head, Kind, Record, checksum, length, micros, time_of};
pub use reserve::Reserve;
pub use root::{Lock, Root, make};
pub use seal::{KEY, Key, NAME, NONCE, Sealed, TAG};
pub use sync::{Fsync, Health};
