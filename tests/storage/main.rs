//! A store on disk, under what happens to stores.

mod copies;
mod kill;
mod marks;
mod support;
mod workload;
