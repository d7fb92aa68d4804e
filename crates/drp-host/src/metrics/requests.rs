//! Requests: how many, how they ended, and how long they took.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::Metrics;

/// Upper bounds in seconds. A lookup takes less than the first; an action may take hours.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// The methods that are told apart; the others are one.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// The label of what is not of a fixed list, and of paths that nobody serves.
const OTHER: &str = "other";

#[derive(Debug)]
pub(super) struct Requests {
    ended: Family<Outcome, Counter>,
    seconds: Family<Kind, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    method: &'static str,
    route: Route,
}

/// What is asked, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    method: &'static str,
    route: Route,
    status: &'static str,
}

/// A path as the router has it, with names in place of keys; none where no route has it.
#[derive(Clone, Debug)]
struct Route(Option<MatchedPath>);

impl Route {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or(OTHER, MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new: fn() -> Histogram = || Histogram::new(SECONDS);
        let requests =
            Self { ended: Family::default(), seconds: Family::new_with_constructor(new), in_flight: Gauge::default() };
        registry.register("http_requests", "Requests that were answered or cut off", requests.ended.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's headers to its answer's",
            Unit::Seconds,
            requests.seconds.clone(),
        );
        registry.register("http_requests_in_flight", "Requests without an answer yet", requests.in_flight.clone());
        requests
    }
}

/// Counts requests by route, and the time until the answer begins.
pub(crate) async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = Route(request.extensions().get::<MatchedPath>().cloned());
    let running = Running::begin(metrics, Kind { method: method_label(request.method()), route });
    let response = next.run(request).await;
    running.end(response.status());
    response
}

/// A request without an answer yet. One that is dropped was cut off or panicked.
struct Running {
    metrics: Arc<Metrics>,
    kind: Kind,
    began: Instant,
    status: StatusCode,
}

impl Running {
    fn begin(metrics: Arc<Metrics>, kind: Kind) -> Self {
        metrics.requests.in_flight.inc();
        Self { metrics, kind, began: Instant::now(), status: StatusCode::INTERNAL_SERVER_ERROR }
    }

    fn end(mut self, status: StatusCode) {
        self.status = status;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let requests = &self.metrics.requests;
        requests.in_flight.dec();
        requests.seconds.get_or_create(&self.kind).observe(self.began.elapsed().as_secs_f64());
        let Kind { method, route } = self.kind.clone();
        requests.ended.get_or_create(&Outcome { method, route, status: status_label(self.status) }).inc();
    }
}

fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
