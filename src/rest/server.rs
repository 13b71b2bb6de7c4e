//! Listening, serving, and shutting down in order.
//!
//! A server has its own runtime, on its own thread: its clients' requests and their slowness do not
//! affect the rest of the process, and it can end whatever state the rest of the process is in.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs},
    sync::Arc,
    thread,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::{Api, Embedder, Options, router};
use crate::{
    client::Client,
    error::{Error, Result},
};

/// The most threads for long or blocking work.
const ASIDE: usize = 64;
/// The largest head of a request: an id of 1,024 bytes may take three times as much in a path.
const HEAD: usize = 64 << 10;
/// How long to wait after a connection could not be accepted, for example for lack of file
/// descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for idle threads to end.
const ENDING: Duration = Duration::from_millis(100);

/// A listening server. Dropping it has the same effect as `stop`.
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    ended: watch::Receiver<bool>,
}

impl Server {
    /// Starts to listen; requests are answered from the time this returns. The server can be
    /// stopped at any time by cancelling `stop`, and also by dropping the future.
    ///
    /// # Errors
    ///
    /// `Validation` for invalid options, including an address that other machines can reach without
    /// a key; `Server` if the address cannot be bound.
    pub async fn start(
        client: Arc<Client>,
        embedder: Option<Embedder>,
        options: Options,
        stop: CancellationToken,
    ) -> Result<Self> {
        options.check()?;
        let (started, starting) = oneshot::channel();
        let (ending, ended) = watch::channel(false);
        let stopped = stop.clone();
        let guard = stop.clone().drop_guard();
        let work = move || {
            run(client, embedder, options, started, &stopped);
            ending.send_replace(true);
        };
        let thread = thread::Builder::new().name("vectorizer-http".into());
        let spawned = thread.spawn(work);
        spawned.map_err(|error| Error::Server(format!("there is no thread to serve: {error}")))?;
        let none = |_| Err(Error::Internal("starting the server was stopped".into()));
        let address = starting.await.unwrap_or_else(none)?;
        guard.disarm();
        Ok(Self {
            address,
            stop,
            ended,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more connections, and ends once the requests in progress are answered.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Completes when the server has ended.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // An error means that the server's thread is gone.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(
    client: Arc<Client>,
    embedder: Option<Embedder>,
    options: Options,
    started: oneshot::Sender<Result<SocketAddr>>,
    stop: &CancellationToken,
) {
    let opened = open(&options).and_then(|listener| {
        let address = listener
            .local_addr()
            .map_err(|error| cannot(&options, &error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("vectorizer-http")
            .max_blocking_threads(ASIDE)
            .enable_all()
            .build()
            .map_err(|error| Error::Server(format!("there are no threads to serve: {error}")))?;
        let (router, api) = router(client, embedder, options, |router| router)?;
        Ok((listener, address, runtime, router, api))
    });
    let (listener, address, runtime, router, api) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // The caller may be gone.
            let _ = started.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)
        };
        match listener {
            Ok(listener) => {
                let _ = started.send(Ok(address));
                serve(listener, router, &api, stop).await;
            }
            Err(error) => {
                let _ = started.send(Err(cannot(&api.options, &error)));
            }
        }
    });
    // Its threads end at once, except those that still work for abandoned requests; these are not
    // waited for.
    runtime.shutdown_timeout(ENDING);
}

/// Binds the address if only this machine can reach it or there is a key.
fn open(options: &Options) -> Result<StdListener> {
    let addresses = (options.host.as_str(), options.port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = match addresses {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(cannot(options, &error)),
    };
    let public = addresses.iter().any(|address| !address.ip().is_loopback());
    if public && options.api_key.is_none() {
        return Err(Error::Validation(format!(
            "options.host: other machines reach {}, and anyone there could read and delete \
             everything: give an API key, or listen on 127.0.0.1",
            options.host
        )));
    }
    let listener = StdListener::bind(&*addresses).map_err(|error| cannot(options, &error))?;
    let ready = listener.set_nonblocking(true);
    ready.map_err(|error| cannot(options, &error))?;
    Ok(listener)
}

fn cannot(options: &Options, error: &io::Error) -> Error {
    let Options { host, port, .. } = options;
    let what_to_do = match error.kind() {
        io::ErrorKind::AddrInUse => ": use another port, or 0 for any that is free",
        _ => "",
    };
    Error::Server(format!(
        "cannot listen on {host} port {port}: {error}{what_to_do}"
    ))
}

/// Accepts connections until it is stopped, then waits for the requests in progress.
async fn serve(listener: TcpListener, router: Router, api: &Api, stop: &CancellationToken) {
    let options = &api.options;
    let room = Arc::new(Semaphore::new(options.max_connections));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(options.header_timeout))
        .max_buf_size(HEAD);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, permit)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(Duration::from_millis(options.write_timeout)));
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        let open = Open::new(api, permit);
        tokio::spawn(async move {
            // A client that disconnects or is too slow is not an error.
            let _ = connection.await;
            drop(open);
        });
    }
    drop(listener);
    let limit = Duration::from_millis(options.shutdown_timeout);
    let _ = timeout(limit, graceful.shutdown()).await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = room
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Responses are written as a whole, so waiting to fill a packet only delays them.
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

/// An open connection: it is counted, and occupies one of the permitted connections.
struct Open {
    api: Api,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(api: &Api, permit: OwnedSemaphorePermit) -> Self {
        api.metrics.connections.inc();
        Self {
            api: api.clone(),
            _permit: permit,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.api.metrics.connections.dec();
    }
}
