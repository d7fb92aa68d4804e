//! `define`, well and badly.

use std::{
    env,
    io::{Write, stdout},
    process::exit,
};

use crate::{definition, serve::helper, wait_for_ever};

pub(crate) fn run(name: &str, mode: &str) {
    eprintln!("local log: this is no part of the definition");
    let good = definition::of(name, mode);
    match mode {
        "define-garbage" => println!("this is not JSON"),
        "define-empty" => {}
        "define-huge" => huge(name),
        "define-endless" => {
            let _helper = helper();
            wait_for_ever();
        }
        "define-refused" => {
            eprintln!("no licence");
            exit(1);
        }
        "define-trailing" => println!("{good}\nthat was it\n{{}}"),
        "define-noisy" => {
            (0..100).for_each(|line| eprintln!("local log: line {line}"));
            println!("{good}");
        }
        "define-deep" => {
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            println!(r#"{{"Name":"{name}","PluginVersion":4,"Meta":{open}{close}}}"#);
        }
        "define-secrets" => {
            eprintln!("{}", environment());
            println!("{}", environment());
        }
        "define-binary" => drop(stdout().write_all(&[0xff, 0xfe, 0x00, 0x80])),
        "define-wrong-types" => println!(r#"{{"Name":7,"PluginVersion":"4","AvailableActions":"none"}}"#),
        _ => println!("{good}"),
    }
}

/// A definition with a text of 100 MB in it.
fn huge(name: &str) {
    let mut out = stdout().lock();
    let chunk = [b'x'; 1 << 20];
    // The host may hang up.
    let _ = write!(out, r#"{{"Name":"{name}","PluginVersion":4,"Documentation":""#);
    let _ = (0..100).try_for_each(|_| out.write_all(&chunk));
    let _ = out.write_all(b"\"}");
}

/// All variables, one a line.
pub(crate) fn environment() -> String {
    let lines: Vec<String> = env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("\n")
}
