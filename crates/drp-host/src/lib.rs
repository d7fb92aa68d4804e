//! drp-host

pub mod store;
