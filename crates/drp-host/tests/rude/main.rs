//! A host and a provider that does everything wrong (`testbins/rude-provider`): whatever it does, the host stays up,
//! others are served, the error says who failed in which phase, no secret shows, and nothing is left of it.
//!
//! A program of its own, whose tests run one after the other, because they count what this process holds: children,
//! pipes, sockets. Numbers as `#17` are those of the weaknesses that `host.md` §18 lists.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]

mod actions;
mod callbacks;
mod config;
mod define;
mod listen;
#[path = "../it/peer.rs"]
#[allow(dead_code, reason = "what the other tests need of it")]
mod peer;
mod publish;
mod repertoire;
mod rig;
mod service;
mod stop;
mod traces;
mod unpack;
