//! A plugin provider that misbehaves on command, for tests of hosts.
//!
//! It shares no code with the host that it tests: it speaks HTTP and JSON by hand, over the standard library alone.
//! What it does wrong is chosen by
//! * the name of its file, for what happens before it can be asked anything (see [`Manner`]);
//! * the config param `rude/config` and `rude/stop`, for how those calls are answered;
//! * the action's command, for the rest.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "that is what it is there for")]

mod definition;
mod http;
mod listen;

use std::{env, fs, path::Path, process::exit, thread, time::Duration};

/// How the provider behaves from its first line on.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// As it should.
    Good,
    /// `define` prints something that is no definition.
    GarbageDefine,
    /// `define` says no.
    RefusedDefine,
    /// `define` never ends, and has a helper that never ends.
    EndlessDefine,
    /// `unpack` fails.
    RefusedUnpack,
    /// Never says that it serves.
    Silent,
    /// Ends at once.
    Eof,
    /// Says that it cannot serve.
    Failed,
    /// Says that it serves, and ends.
    ReadyThenExit,
    /// Writes lines without end before it serves.
    Talkative,
}

impl Manner {
    /// The manner of a provider of this name: `rude-eof` ends at once, and so on.
    fn of(name: &str) -> Self {
        match name {
            "rude-garbage-define" => Self::GarbageDefine,
            "rude-refused-define" => Self::RefusedDefine,
            "rude-endless-define" => Self::EndlessDefine,
            "rude-refused-unpack" => Self::RefusedUnpack,
            "rude-silent" => Self::Silent,
            "rude-eof" => Self::Eof,
            "rude-failed" => Self::Failed,
            "rude-ready-then-exit" => Self::ReadyThenExit,
            "rude-talkative" => Self::Talkative,
            _ => Self::Good,
        }
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (program, command) = (args.first().copied().unwrap_or_default(), args.get(1..).unwrap_or_default());
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let manner = Manner::of(name);
    match command {
        ["define"] => define(name, manner),
        ["unpack", directory] => unpack(Path::new(directory), manner),
        ["listen", to_plugin, from_plugin] => listen(Path::new(to_plugin), Path::new(from_plugin), manner),
        _ => {
            println!("Failed");
            exit(1);
        }
    }
}

fn define(name: &str, manner: Manner) {
    eprintln!("local log: this is no part of the definition");
    match manner {
        Manner::GarbageDefine => println!("this is not JSON"),
        Manner::RefusedDefine => {
            eprintln!("no licence");
            exit(1);
        }
        Manner::EndlessDefine => {
            let _helper = listen::helper();
            wait_for_ever();
        }
        _ => println!("{}", definition::of(name)),
    }
}

fn unpack(directory: &Path, manner: Manner) {
    if manner == Manner::RefusedUnpack {
        eprintln!("no room");
        exit(3);
    }
    if let Err(error) = fs::write(directory.join("asset"), "an asset") {
        eprintln!("{error}");
        exit(1);
    }
}

fn listen(to_plugin: &Path, from_plugin: &Path, manner: Manner) {
    match manner {
        Manner::Silent => wait_for_ever(),
        Manner::Eof => {
            eprintln!("I have better things to do");
            exit(7);
        }
        Manner::Failed => {
            println!("Failed");
            wait_for_ever();
        }
        Manner::ReadyThenExit => {
            println!("READY!");
            eprintln!("that was all");
            exit(4);
        }
        Manner::Talkative => {
            eprintln!("{}", "e".repeat(3 << 20));
            println!("{}", "o".repeat(3 << 20));
        }
        _ => {}
    }
    listen::serve(to_plugin, from_plugin);
}

fn wait_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}
