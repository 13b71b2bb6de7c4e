//! Stores on disk, through the crate's public API.

mod backups;
mod damage;
mod encrypted;
mod faults;
mod followers;
mod freed;
mod holes;
mod late;
mod model;
mod power;
mod room;
mod rows;
mod script;
#[allow(dead_code)]
#[path = "../collection/support.rs"]
mod support;
mod thief;
