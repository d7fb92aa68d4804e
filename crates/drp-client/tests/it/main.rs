//! The client against peers that speak from raw sockets and use nothing of the project's host.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bad_input;
mod download;
mod drpcli;
mod event_frames;
mod event_gaps;
mod event_selectors;
mod events;
mod files;
mod local_proxy;
mod login;
mod objects;
mod pages;
mod params;
mod peer;
mod rest;
mod rooms;
mod tls;
mod wait_for;
mod ws_peer;
