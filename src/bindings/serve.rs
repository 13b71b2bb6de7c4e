//! The HTTP server as JavaScript holds it.

use std::sync::Arc;

use napi::{
    Env, Status, Unknown,
    bindgen_prelude::{Either, External, Float32ArraySlice, FromNapiValue, Promise, ToNapiValue},
    sys,
    threadsafe_function::ThreadsafeFunction,
};
use napi_derive::napi;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{args, thrown};
use crate::{
    client::{Client, absolute},
    error::{Error, Result},
    rest::{Embedder, Options, Server},
};

/// The client's embedder: takes a JSON list of texts, and returns a promise of their vectors, one
/// after another, or of an error message. `face/server.ts` checks that the vectors have the same
/// length.
pub type Embed = ThreadsafeFunction<String, Promise<Made>, String, Status, false, true>;

/// The result of an embedder: vectors, one after another, or an error message. It is copied on the
/// embedder's thread, because the array's memory belongs to that thread's environment, which may
/// end before a server thread reads it.
pub struct Made(std::result::Result<Vec<f32>, String>);

impl FromNapiValue for Made {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: both are the caller's, and are alive during this call; the slice made from them
        // is dropped before it returns.
        let made = unsafe { Either::<Float32ArraySlice, String>::from_napi_value(env, value) }?;
        Ok(Self(match made {
            Either::A(data) => Ok(data.to_vec()),
            Either::B(error) => Err(error),
        }))
    }
}

type HeldServer = External<Arc<Server>>;

pub fn start<'env>(
    env: &'env Env,
    client: Arc<Client>,
    options: String,
    embedder: Option<Embed>,
) -> napi::Result<Unknown<'env>> {
    let mut options: Options = args::read(&options, "options").map_err(thrown)?;
    if let Some(backups) = &mut options.backups {
        *backups = absolute(backups).map_err(thrown)?;
    }
    let embedder = embedder.map(embedder_of);
    let opening = client.begin_when_open();
    // The server stops when the environment ends, even while it is still being started: from then
    // on the promise may never be seen, and nothing else could close the server.
    let stop = CancellationToken::new();
    env.add_env_cleanup_hook(stop.clone(), |stop| stop.cancel())?;
    let future = async move {
        // If the store cannot be opened, there is nothing to serve.
        drop(opening.await.map_err(thrown)?);
        let server = Server::start(client, embedder, options, stop).await;
        server.map(Arc::new).map_err(thrown)
    };
    let held = |env: &'env Env, server| HeldServer::new(server).into_unknown(env);
    env.spawn_future_with_callback(future, held)?
        .into_unknown(env)
}

fn embedder_of(embed: Embed) -> Embedder {
    let embed = Arc::new(embed);
    Box::new(move |texts| {
        let embed = embed.clone();
        Box::pin(async move {
            let count = texts.len();
            let made = call(&embed, &texts).await.map_err(|error| {
                Error::Embedding(format!("the embedder failed: {}", error.reason))
            })?;
            rows(made, count)
        })
    })
}

async fn call(embed: &Embed, texts: &[Box<str>]) -> napi::Result<Made> {
    embed.call_async(json!(texts).to_string()).await?.await
}

/// Splits vectors that are laid end to end into rows.
fn rows(Made(made): Made, count: usize) -> Result<Vec<Vec<f32>>> {
    let data = made.map_err(Error::Embedding)?;
    let dimension = data.len() / count.max(1);
    let row = |i: usize| data[i * dimension..][..dimension].to_vec();
    Ok((0..count).map(row).collect())
}

/// The address a server listens on, as JSON text.
#[napi]
pub fn server_address(server: &HeldServer) -> String {
    let address = server.address();
    json!({ "address": address.ip().to_string(), "port": address.port() }).to_string()
}

/// Stops a server; requests in progress are answered first.
#[napi]
pub fn server_stop(server: &HeldServer) {
    server.stop();
}

/// Resolves when a server has ended. Until then, the server and the process keep running, even if
/// nothing refers to the server any more.
#[napi]
pub fn server_ended<'env>(env: &'env Env, server: &HeldServer) -> napi::Result<Unknown<'env>> {
    let server = Arc::clone(server);
    let future = async move {
        server.ended().await;
        Ok(())
    };
    env.spawn_future(future)?.into_unknown(env)
}
