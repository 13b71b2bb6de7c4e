//! The collection as a whole, through its Rust interface.

mod concurrency;
mod index;
mod model;
mod quantisation;
mod support;
