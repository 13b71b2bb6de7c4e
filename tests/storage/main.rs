//! A store on disk, and what can happen to it.

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
