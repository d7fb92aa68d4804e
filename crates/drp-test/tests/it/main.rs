//! The kit as an author uses it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod failing;
mod found;
mod life;
mod offered;
mod provider;
mod several;
