//! The collection as a whole, through its Rust interface.

mod concurrency;
mod expiry;
mod guards;
mod index;
mod little;
mod model;
mod modify;
mod place;
mod quantisation;
mod replace;
mod settings;
mod shown;
mod support;
mod transfer;
mod undo;
mod undo_model;
