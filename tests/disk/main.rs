//! Stores on disk, through the crate's public API.

mod damage;
mod faults;
mod followers;
mod model;
mod power;
mod script;
#[allow(dead_code)]
#[path = "../collection/support.rs"]
mod support;
