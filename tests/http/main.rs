//! Tests the HTTP API through its clients: the published SDK, and unintended bodies.

mod bodies;
mod sdk;
mod support;
