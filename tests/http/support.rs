//! A server in this process.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use vectorizer_native::{
    client::{Client, Options as Store},
    rest::{Options, Server},
};

/// Starts a server in memory on a free port, with the other `options` as given.
pub async fn server(options: Options) -> Server {
    let client = Arc::new(Client::open(Store::default()));
    let options = Options { port: 0, ..options };
    let stop = CancellationToken::new();
    Server::start(client, None, options, stop).await.unwrap()
}

pub fn url(server: &Server) -> String {
    format!("http://{}", server.address())
}
