//! A store on disk, under what happens to stores.

#[allow(dead_code)]
#[path = "../collection/support.rs"]
mod common;
mod copies;
mod handles;
mod kill;
mod marks;
mod support;
#[allow(dead_code)]
#[path = "../disk/thief.rs"]
mod thief;
mod workload;
