//! `/indexes`: what objects can be found and sorted by, told from the table of types (`models.md` §21.2).

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use http::StatusCode;

use super::{
    reply::{self, Reply},
    request::{At, Call},
};
use crate::{
    shared::Shared,
    types::{IndexInfo, indexes_of_every_type},
};

/// `GET /indexes`. Like the other two it tells nothing of any object, so that every caller may have it.
pub(super) async fn all(State(shared): State<Arc<Shared>>, _: Call) -> Reply {
    let of_types = shared.objects.kinds().into_iter().map(|kind| (kind.prefix.clone(), kind.indexes()));
    reply::json(StatusCode::OK, &of_types.collect::<BTreeMap<_, _>>())
}

/// `GET /indexes/PREFIX`. A prefix that nobody knows has the indexes that every type has.
pub(super) async fn of_prefix(State(shared): State<Arc<Shared>>, _: Call, At(prefix): At<String>) -> Reply {
    reply::json(StatusCode::OK, &find(&shared, &prefix))
}

/// `GET /indexes/PREFIX/NAME`: empty where there is none.
pub(super) async fn one(State(shared): State<Arc<Shared>>, _: Call, At((prefix, name)): At<(String, String)>) -> Reply {
    reply::json(StatusCode::OK, &find(&shared, &prefix).remove(&name).unwrap_or_default())
}

fn find(shared: &Shared, prefix: &str) -> BTreeMap<String, IndexInfo> {
    shared.objects.kind(prefix).map_or_else(indexes_of_every_type, |kind| kind.indexes())
}
