//! What a route is: where it lies, what serves it, and what the OpenAPI document says of it. One value holds all of
//! that, so that none of them can be without the others.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    routing::{MethodFilter, MethodRouter, any, on},
};

use crate::{shared::Shared, types::ObjectType};

/// A path of the API and what can be done there.
pub(super) struct Route {
    /// Below the base of the API, with variable parts as axum writes them.
    pub(super) path: &'static str,
    /// The chapter of the document; routes of object types lie in that of their type.
    pub(super) chapter: &'static str,
    /// Which object types the path is for, where its first part is one.
    pub(super) kinds: Kinds,
    pub(super) operations: Vec<Operation>,
    is_unlimited: bool,
}

/// Object types that a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    /// It is no path of object types.
    None,
    All,
    WithParams,
    /// Those that plugins may offer actions on. Jobs have another path for that.
    WithActions,
    Jobs,
}

/// The one type of which `actions` are no actions.
const JOBS: &str = "jobs";

impl Kinds {
    pub(super) fn include(self, kind: &ObjectType) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::WithParams => kind.has_params,
            Self::WithActions => kind.has_actions && kind.prefix != JOBS,
            Self::Jobs => kind.prefix == JOBS,
        }
    }
}

/// One method of a path.
pub(super) struct Operation {
    /// As OpenAPI writes it; `None` for whatever a plugin serves.
    pub(super) method: Option<&'static str>,
    pub(super) summary: &'static str,
    /// Names of parameters of the query. What they are is in `openapi/parameters.rs`.
    pub(super) query: &'static [&'static str],
    pub(super) takes: Content,
    pub(super) gives: Content,
    pub(super) status: u16,
    handler: MethodRouter<Arc<Shared>>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    /// Bytes as they are.
    Stream,
    /// Any JSON.
    Json,
    /// A schema of the document.
    Is(&'static str),
    /// A list of those.
    ListOf(&'static str),
    /// A map from names to those.
    MapOf(&'static str),
    /// The object of the path's type.
    Object,
    /// A list of those, with its counts.
    Objects,
}

pub(super) fn route<const N: usize>(path: &'static str, chapter: &'static str, operations: [Operation; N]) -> Route {
    Route { path, chapter, kinds: Kinds::None, operations: operations.into(), is_unlimited: false }
}

impl Route {
    /// The path is for object types: its `{prefix}` stands for each of them.
    pub(super) fn of(mut self, kinds: Kinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// Bodies are streams that have a limit of their own.
    pub(super) fn unlimited(mut self) -> Self {
        self.is_unlimited = true;
        self
    }
}

/// The router that serves these routes.
pub(super) fn router(routes: Vec<Route>) -> Router<Arc<Shared>> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let methods = route.operations.into_iter().map(|operation| operation.handler);
        let methods = methods.reduce(MethodRouter::merge).unwrap_or_default();
        let methods = if route.is_unlimited { methods.layer(DefaultBodyLimit::disable()) } else { methods };
        router.route(route.path, methods)
    })
}

pub(super) fn get<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    operation("get", on(MethodFilter::GET, handler), summary)
}

pub(super) fn post<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    operation("post", on(MethodFilter::POST, handler), summary).takes(Content::Json)
}

pub(super) fn put<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    operation("put", on(MethodFilter::PUT, handler), summary).takes(Content::Json)
}

pub(super) fn patch<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    operation("patch", on(MethodFilter::PATCH, handler), summary).takes(Content::Is("Patch"))
}

pub(super) fn delete<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    operation("delete", on(MethodFilter::DELETE, handler), summary)
}

/// Every method there is.
pub(super) fn every<H: Handler<T, Arc<Shared>>, T: 'static>(handler: H, summary: &'static str) -> Operation {
    let mut every = operation("get", any(handler), summary).takes(Content::Stream).gives(Content::Stream);
    every.method = None;
    every
}

fn operation(method: &'static str, handler: MethodRouter<Arc<Shared>>, summary: &'static str) -> Operation {
    let (takes, gives) = (Content::Nothing, Content::Json);
    Operation { method: Some(method), summary, query: &[], takes, gives, status: 200, handler }
}

impl Operation {
    /// Names what may be in the query.
    pub(super) fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    pub(super) fn takes(mut self, content: Content) -> Self {
        self.takes = content;
        self
    }

    pub(super) fn gives(mut self, content: Content) -> Self {
        self.gives = content;
        self
    }

    /// The status of success, if it is not 200.
    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Success is 204.
    pub(super) fn gives_nothing(self) -> Self {
        self.gives(Content::Nothing).status(204)
    }
}
