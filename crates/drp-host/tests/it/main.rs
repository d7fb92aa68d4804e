//! A host from outside: everything here speaks HTTP over TLS to it with nothing of our client.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod access;
mod backup;
mod checklist;
mod compression;
mod conditional;
mod contents;
mod files;
mod indexes;
mod jobs;
mod limits;
mod lists;
mod machines;
mod objects;
mod openapi;
mod operators;
mod peer;
mod played;
mod prefs;
mod providers;
mod reading;
mod realhost;
mod reload;
mod secure_params;
mod tenants;
mod vectors;
mod websocket;
