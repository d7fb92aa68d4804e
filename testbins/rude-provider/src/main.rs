//! A plugin provider that misbehaves on command, for tests of hosts.
//!
//! It shares no code with the host that it tests: it speaks HTTP and JSON by hand, over the standard library alone.
//! [`modes`] lists what it can do wrong; `rude-provider --help` prints that list.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "that is what it is there for")]

mod action;
mod answer;
mod callback;
mod define;
mod definition;
mod http;
mod listen;
mod modes;
mod serve;
mod unpack;

use std::{env, path::Path, process::exit, thread, time::Duration};

fn main() {
    let args: Vec<String> = env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (program, command) = (args.first().copied().unwrap_or_default(), args.get(1..).unwrap_or_default());
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mode = modes::of_name(name);
    match command {
        ["define"] => define::run(name, mode),
        ["unpack", directory] => unpack::run(Path::new(directory), mode),
        ["listen", to_plugin, from_plugin] => listen::run(Path::new(to_plugin), Path::new(from_plugin), mode),
        ["--help" | "-h" | "help"] => print!("{}", modes::help()),
        _ => {
            println!("Failed");
            exit(1);
        }
    }
}

pub(crate) fn wait_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}
