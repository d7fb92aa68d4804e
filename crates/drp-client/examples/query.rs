//! Reads a query in the words of drpcli and shows what is sent. It needs no server.
//!
//! `cargo run -p drp-client --example query -- Name Re ^web Stage In install,discover sort Name limit 10`
#![allow(clippy::print_stdout)]

use drp_client::{Filter, Query, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let query = if words.is_empty() {
        Query::new().filter("Runnable", Filter::eq(true)).filter("Name", Filter::between("a", "m")).slim("Params")
    } else {
        Query::parse(words)?
    };
    println!("{query:#?}");
    println!("GET {}", Request::list("machines")?.with(&query).path_and_query());
    Ok(())
}
