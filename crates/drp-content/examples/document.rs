//! Describes a bundle that it makes, or reads from a file of YAML:
//! `cargo run -p drp-content --features document,yaml --example document -- bundle.yaml`
#![allow(clippy::print_stdout, reason = "an example")]

use std::{env, error::Error, fs};

use drp_content::{Bundle, DocumentFormat, document};
use drp_core::Param;

fn main() -> Result<(), Box<dyn Error>> {
    let bundle = match env::args_os().nth(1) {
        Some(file) => Bundle::from_yaml(&fs::read_to_string(file)?)?,
        None => {
            let mut bundle = Bundle::default();
            bundle.meta.set("Name", "example");
            let description = "How long to blink".to_owned();
            bundle.add(&Param { name: "blinker/seconds".to_owned(), description, ..Param::default() })?;
            bundle
        }
    };
    print!("{}", document(&bundle, DocumentFormat::Rst));
    Ok(())
}
