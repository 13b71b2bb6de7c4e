//! Stores on disk, through the crate's public API.

mod backups;
mod damage;
mod encrypted;
mod erasures;
mod expiry;
mod fault;
mod faults;
mod followers;
// In a release build the library has an allocator of its own.
#[cfg(debug_assertions)]
mod freed;
mod holes;
mod late;
mod ledger;
mod left_out;
mod model;
mod power;
mod room;
mod rows;
mod script;
mod scrub;
mod settings;
#[allow(dead_code)]
#[path = "../collection/support.rs"]
mod support;
mod thief;
mod transfer;
mod undo;
