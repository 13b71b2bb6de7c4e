//! What the fuzz targets do with their input. `tests/corpora.rs` does the same with the inputs that
//! are stored in `corpus/`.

pub mod body;
mod bytes;
pub mod filter;
pub mod graph;
pub mod keys;
pub mod log;
