//! Collections on disk. A store is a directory:
//!
//! | | |
//! | --- | --- |
//! | `STORE` | marks the directory as a store, with the version of its format |
//! | `KEYRING` | the store key (`keyring.rs`) |
//! | `LOCK` | locked by the process that has the store open; contains its process id (on Windows, `OWNER` does) |
//! | `collection-1/log.3` | everything a collection consists of (`log.rs`, `record.rs`) |
//! | `collection-1/keys.3` | the keys of the entries in `log.3` (`keys.rs`, `seal.rs`) |
//! | `collection-1/graph` | its graph without any vectors, which only saves rebuilding it |
//! | `RESERVE` | space reserved for deletes on a full disk (`reserve.rs`) |
//! | `PENDING` | what a step over several collections has still to remove (`pending.rs`) |
//! | `LEDGER` | if the store keeps one: what was erased and when, without what it was (`ledger.rs`) |
//! | `*.new`, `*.old`, `*.dropped` | being created or removed; gone after the next opening |
//!
//! Opening a store reads outlines; rows and texts stay in the files and are read when they are asked
//! for, unless codes are too coarse for a collection's rows. Files are not memory-mapped: a disk
//! error in a mapped file raises a signal, which ends the process.

mod backup;
mod erasures;
mod file;
mod handle;
mod header;
mod inspect;
mod journal;
mod keyring;
mod keys;
mod ledger;
mod log;
mod pending;
mod record;
mod reserve;
mod root;
mod seal;
mod sync;

pub use backup::{Backup, Copied, Exported, Restored, Since, Source, restore, verify};
pub use erasures::{ErasedSince, LedgerErasures};
pub use file::{File, Files, Interruption, Operation, TELLS_CACHED, failed, list};
pub use header::{GRAPH as GRAPH_FILE, PREAMBLE, RECORDS, check_preamble, preamble};
pub use inspect::{InspectOptions, Inspected, Inspection, inspect};
pub use journal::{Commit, Copy, CopyTarget, Journal};
pub use keyring::{KEYRING, Keyring, StoreKeys, UserKey, wrapped};
pub use keys::{KEYS_OFFSET, KeyReader, Keys, TableKey};
pub use ledger::{
    Begun, ErasedPart, Erasing, ErasingIn, LEDGER, Ledger, LedgerEntry, LedgerHead, UnfinishedIn,
};
pub use log::{
    Entry, EntryLocation, GRAPH, GRAPH_REPLACED, Index, Known, Log, PartReader, Stored, Summary,
    Writer,
};
pub use pending::{Condition, Numbers, PENDING, Pending, PendingFile, Removal};
pub use record::{
    HEAD, Head, Kind, Label, Lengths, MAX_DIMENSION, Record, checksum, length, micros, time_of,
};
pub use reserve::Reserve;
pub use root::{Lock, Root, make, remove};
pub use seal::{KEY, Key, NAME, NONCE, Sealed, TAG};
pub use sync::{Fsync, Health, Syncer};
