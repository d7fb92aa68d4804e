//! The suite for hosts.

mod actions;
mod api;
mod auth;
mod case;
mod events;
mod expect;
mod hosting;
mod link;
mod lists;
mod objects;
mod params;
mod plugins;
mod session;
mod suite;
mod trust;
mod wire;

pub use self::{
    suite::{HostError, HostRun, HostSuite},
    trust::Trust,
};
