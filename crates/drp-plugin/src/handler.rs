//! Hooks behind one shape.

use std::{future::Future, pin::Pin};

use drp_core::{Event, PluginProvider};

use crate::{Context, Missed, Result};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An event handler whose types are erased.
pub(crate) type EventHandler<S> = Box<dyn Fn(Context<S>, Event) -> BoxFuture<Result<()>> + Send + Sync>;

/// A `reconcile` whose types are erased.
pub(crate) type ReconcileHandler<S> = Box<dyn Fn(Context<S>, Missed) -> BoxFuture<Result<()>> + Send + Sync>;

/// A stop hook.
pub(crate) type StopHandler<S> = Box<dyn Fn(Context<S>) -> BoxFuture<Result<()>> + Send + Sync>;

/// A look at the surroundings, which gives the definition to print.
pub(crate) type ValidateHandler =
    Box<dyn Fn(Context<()>, PluginProvider) -> BoxFuture<Result<PluginProvider>> + Send + Sync>;
