//! The collection as a whole, through its Rust interface.

mod concurrency;
mod guards;
mod index;
mod little;
mod model;
mod quantisation;
mod shown;
mod support;
