//! `listen`, until it serves.

use std::{
    env, fs,
    io::{Write, stderr, stdout},
    os::unix::{net::UnixListener, process::CommandExt},
    path::Path,
    process::{Command, exit},
    sync::Arc,
    thread,
};

use crate::{
    serve::{Plugin, flood},
    wait_for_ever,
};

/// Set in the process that cannot be ended by SIGTERM.
const STUBBORN_ENV: &str = "RUDE_STUBBORN";

pub(crate) fn run(to_plugin: &Path, from_plugin: &Path, mode: &'static str) {
    match mode {
        "listen-exit" => {
            eprintln!("I have better things to do");
            exit(7);
        }
        "listen-failed" => {
            println!("Failed");
            wait_for_ever();
        }
        "listen-silent" => wait_for_ever(),
        "listen-deaf" => {
            println!("READY!");
            wait_for_ever();
        }
        "listen-ready-exit" => {
            println!("READY!");
            eprintln!("that was all");
            exit(4);
        }
        "listen-long-line" => {
            eprintln!("{}", "e".repeat(10 << 20));
            println!("{}", "o".repeat(10 << 20));
        }
        "listen-binary" => {
            let bytes = [0xff, 0x00, 0xc3, 0x28, b'\r', b'\n', 0x80, b'\n'];
            let _ = stdout().write_all(&bytes);
            let _ = stderr().write_all(&bytes);
        }
        "listen-flood" => flood(),
        "stop-stubborn" if env::var_os(STUBBORN_ENV).is_none() => stubborn(to_plugin, from_plugin),
        _ => {}
    }
    accept(to_plugin, &Arc::new(Plugin::new(from_plugin, mode)));
}

/// Serves, each connection in a thread of its own.
fn accept(to_plugin: &Path, plugin: &Arc<Plugin>) {
    let _ = fs::remove_file(to_plugin);
    let listener = match UnixListener::bind(to_plugin) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("{error}");
            exit(1);
        }
    };
    println!("READY!");
    for stream in listener.incoming().flatten() {
        let plugin = Arc::clone(plugin);
        thread::spawn(move || plugin.serve(stream));
    }
}

/// Becomes the same program with SIGTERM ignored: what ignores a signal keeps doing so when it becomes another program,
/// and a shell is the only way to that without unsafe code.
fn stubborn(to_plugin: &Path, from_plugin: &Path) {
    let program = env::args_os().next().unwrap_or_default();
    let script = r#"trap '' TERM; exec "$0" "$@""#;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(program).arg("listen").arg(to_plugin).arg(from_plugin).env(STUBBORN_ENV, "1");
    eprintln!("{}", shell.exec());
    exit(1);
}
