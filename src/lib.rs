//! Vector collections inside a Node.js process, where deleted means deleted.
//!
//! A map of the crate, from the outside in; a module uses only those below it:
//!
//! - [`bindings`]: Node-API. Arguments in, compact results out.
//! - [`rest`]: the HTTP face. A request in, one call, an answer out.
//! - [`calls`]: what both faces have in common: how a call is read, where it runs, what it reports.
//! - [`client`]: a client's store of collections.
//! - [`collection`]: one collection and the operations on it.
//! - [`filter`], [`graph`], [`vectors`], [`embed`]: what a collection is made of. A filter
//!   becomes a bitmap of slots; the graph finds near slots; the vectors tell how near.
//! - [`storage`]: what a collection tells its files.
//! - [`error`]: the one error type; [`cancel`]: whether a call was cancelled; `workers`: the
//!   threads for what can be divided; `json`: texts that are looked at without being read;
//!   [`wiped`]: values that are overwritten before they are freed.
//!
//! Everything but `bindings` is plain Rust, for tests and benchmarks to use directly.

pub mod bindings;
pub mod calls;
pub mod cancel;
pub mod client;
pub mod collection;
pub mod embed;
pub mod error;
pub mod filter;
pub mod graph;
mod json;
pub mod rest;
pub mod storage;
pub mod vectors;
pub mod wiped;
mod workers;
