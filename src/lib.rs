//! Vector collections inside a Node.js process, where deleted means deleted.
//!
//! A map of the crate, from the outside in; a module uses only those below it:
//!
//! - [`bindings`]: Node-API. Converts arguments, and returns compact results.
//! - [`rest`]: the HTTP API. Converts each request to a call, and its result to a response.
//! - [`calls`]: what both interfaces share: how a call is read, on which thread it runs, and what
//!   it reports.
//! - [`client`]: a client's store of collections.
//! - [`collection`]: one collection and the operations on it.
//! - [`filter`], [`graph`], [`vectors`], [`embed`]: what a collection is made of. A filter
//!   evaluates to a bitmap of slots; the graph finds near slots; the vectors compute distances.
//! - [`storage`]: how a collection is stored in files.
//! - [`clock`]: the time by which vectors expire.
//! - [`error`]: the one error type; [`cancel`]: cancellation of calls; `workers`: the threads for
//!   long or parallel work; `json`: JSON texts that are scanned without being parsed; [`wiped`]
//!   and `chunks`: values that are overwritten before they are freed; `allocator`: large blocks are
//!   given back to the system when they are freed.
//!
//! Everything but `bindings` is plain Rust, for tests and benchmarks to use directly.

// Programs that watch what is freed, as some tests and AddressSanitizer do, have an allocator of
// their own; they are built with debug assertions.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(test, not(debug_assertions))
))]
mod allocator;
pub mod bindings;
pub mod calls;
pub mod cancel;
mod chunks;
pub mod client;
pub mod clock;
pub mod collection;
pub mod embed;
pub mod error;
pub mod filter;
pub mod graph;
mod hexadecimal;
mod json;
pub mod rest;
pub mod storage;
pub mod vectors;
pub mod wiped;
mod workers;
