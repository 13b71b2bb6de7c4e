//! A store on disk, under what happens to stores.

mod kill;
mod marks;
mod rewrite;
mod support;
mod workload;
