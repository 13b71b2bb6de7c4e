//! Metrics for monitoring systems, in the OpenMetrics text format.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use super::{Api, request::matched};
use crate::{
    client::Client,
    collection::{Access, Info},
    error::{Error, Result},
};

/// The content type of the format.
pub const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds, from the time of a fast search to the longest that a client waits.
const BUCKETS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// The server's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    in_flight: Gauge,
    pub connections: Gauge,
}

impl Metrics {
    pub fn new(client: &Arc<Client>) -> Self {
        let mut registry = Registry::with_prefix("vectorizer");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (in_flight, connections) = (Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the head of a request to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are not answered yet",
            in_flight.clone(),
        );
        registry.register("http_connections", "Open connections", connections.clone());
        registry.register_collector(Box::new(Collections(client.clone())));
        Self {
            registry,
            requests,
            seconds,
            in_flight,
            connections,
        }
    }

    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        let encoded = encode(&mut text, &self.registry);
        encoded.map_err(|error| Error::Internal(format!("metrics cannot be written: {error}")))?;
        Ok(text)
    }
}

/// The methods that are distinguished; any other is whatever a client may think of.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts a request as in flight until it is dropped: a client may disconnect in between.
struct InFlight(Gauge);

impl InFlight {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request, and writes its log line.
pub async fn observe(State(api): State<Api>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = method_name(request.method());
    let route = match matched(request.extensions()) {
        "" => "none".to_owned(),
        route => route.to_owned(),
    };
    let in_flight = InFlight::new(&api.metrics.in_flight);
    let response = next.run(request).await;
    drop(in_flight);
    let took = begin.elapsed();
    let status = response.status().as_u16();
    tracing::dispatcher::with_default(&api.log.dispatch, || {
        let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
        tracing::info!(method, route, status, duration_ms = milliseconds, "request");
    });
    let seconds = api.metrics.seconds.get_or_create_owned(&Route {
        method,
        route: route.clone(),
    });
    seconds.observe(took.as_secs_f64());
    let answered = Answered {
        method,
        route,
        status,
    };
    api.metrics.requests.get_or_create_owned(&answered).inc();
    response
}

/// The collections' own figures, collected when the metrics are read.
struct Collections(Arc<Client>);

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Collections")
    }
}

type Labels = [(&'static str, String); 1];

/// A metric with a value for each collection.
struct PerCollection<M> {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    value: fn(&Info) -> M,
}

impl Collector for Collections {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let infos = infos(&self.0);
        let gauge = |name, help, unit, value: fn(&Info) -> u64| PerCollection {
            name,
            help,
            unit,
            kind: MetricType::Gauge,
            value,
        };
        for metric in [
            gauge("vectors", "Live vectors", None, |i| i.vectors as u64),
            gauge(
                "index_pending_vectors",
                "Live vectors that searches scan",
                None,
                |i| i.pending as u64,
            ),
            gauge(
                "index_deleted_vectors",
                "Deleted vectors whose place in the graph is not given back yet",
                None,
                |i| i.deleted as u64,
            ),
            gauge(
                "expired_vectors",
                "Vectors that have expired and are not erased yet",
                None,
                |i| i.expired as u64,
            ),
            gauge(
                "memory",
                "Memory held, an estimate",
                Some(Unit::Bytes),
                |i| i.memory_bytes as u64,
            ),
            gauge(
                "damaged_vectors",
                "Live vectors whose values or text in the files cannot be read",
                None,
                |i| i.scrub.as_ref().map_or(0, |found| found.damaged as u64),
            ),
            gauge(
                "scrub_finished_timestamp",
                "When values and texts were last read to the end; 0 if not since the opening",
                Some(Unit::Seconds),
                |i| {
                    let finished_at = i.scrub.as_ref().and_then(|found| found.finished_at);
                    finished_at.map_or(0, |at| u64::try_from(at.unix_timestamp()).unwrap_or(0))
                },
            ),
            gauge("disk", "Size of the files", Some(Unit::Bytes), |i| {
                i.disk_bytes.unwrap_or(0)
            }),
            gauge(
                "background_working",
                "Whether the background works right now",
                None,
                |i| u64::from(i.background.working),
            ),
        ] {
            metric.encode(&mut encoder, &infos, |value| ConstGauge::new(value as i64))?;
        }
        let counter = |name, help, unit, value: fn(&Info) -> u64| PerCollection {
            name,
            help,
            unit,
            kind: MetricType::Counter,
            value,
        };
        for metric in [
            counter(
                "deleted_vectors",
                "Vectors deleted since the store was opened",
                None,
                |i| i.erased.vectors,
            ),
            counter(
                "erased",
                "Bytes of deleted and replaced vectors erased since the store was opened",
                Some(Unit::Bytes),
                |i| i.erased.bytes,
            ),
        ] {
            metric.encode(&mut encoder, &infos, ConstCounter::new)?;
        }
        let worked = PerCollection {
            name: "background_work",
            help: "How long the background has worked on the index and the files",
            unit: Some(Unit::Seconds),
            kind: MetricType::Counter,
            value: |info| info.background.worked,
        };
        worked.encode(&mut encoder, &infos, |worked: Duration| {
            ConstCounter::new(worked.as_secs_f64())
        })?;
        let is_paused = self.0.begin().is_ok_and(|call| call.expiry_paused());
        let paused = encoder.encode_descriptor(
            "expiry_paused",
            "Whether erasure of what has expired is paused, because the clock may be wrong",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(i64::from(is_paused)).encode(paused)
    }
}

impl<M> PerCollection<M> {
    fn encode<E: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder,
        infos: &[(String, Info)],
        metric: impl Fn(M) -> E,
    ) -> fmt::Result {
        let unit = self.unit.as_ref();
        let mut encoder: MetricEncoder =
            encoder.encode_descriptor(self.name, self.help, unit, self.kind)?;
        for (name, info) in infos {
            let labels: Labels = [("collection", name.clone())];
            metric((self.value)(info)).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Empty while the store is being opened and after it is closed.
fn infos(client: &Client) -> Vec<(String, Info)> {
    let Ok(call) = client.begin() else {
        return Vec::new();
    };
    let all = call.collections().into_iter();
    all.filter_map(|collection| {
        let info = collection.info(Access::Wait).ok()?;
        Some((collection.name(), info))
    })
    .collect()
}
