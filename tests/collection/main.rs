//! The collection as a whole, through its Rust interface.

mod concurrency;
mod expiry;
mod guards;
mod index;
mod little;
mod model;
mod quantisation;
mod replace;
mod shown;
mod support;
