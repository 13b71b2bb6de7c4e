//! The HTTP face through clients of it: the published SDK, and bodies that nobody meant.

mod bodies;
mod sdk;
mod support;
