//! The actions: each command does what it is called.

use std::{
    env,
    path::PathBuf,
    process::{exit, id},
};

use crate::{
    answer::{Answer, Reply},
    definition::quoted,
    http::post,
    serve::{Plugin, field, helper},
    wait_for_ever,
};

pub(crate) fn run(plugin: &Plugin, request: &str) -> Answer {
    let call = |path: &str, body: &str| {
        let answer = post(&plugin.from_plugin, path, body);
        Answer::json(200, quoted(&answer.unwrap_or_else(|error| error.to_string())))
    };
    match field(request, "Command").as_str() {
        "ping" => Answer::json(200, r#""pong""#),
        "crash" => {
            eprintln!("crashing as told");
            exit(3);
        }
        "environment" => Answer::json(200, environment()),
        "error" => {
            Answer::json(418, r#"{"Model":"plugin","Key":"rude","Type":"rpc","Messages":["no tea"],"Code":418}"#)
        }
        "error-text" => Answer::json(500, "plain text"),
        "helper" => Answer::json(200, helper().map_or(0, |helper| helper.id()).to_string()),
        "leave" => call("leaving", "null"),
        "withdraw" => call("leaving", r#"{"Code":403,"Messages":["licence expired"]}"#),
        "log-token" => {
            let token = plugin.param("rude/token");
            call("log", &format!(r#"{{"Level":"panic","Principal":"root","Message":"token={token}"}}"#))
        }
        "post-event" => call("publish", r#"{"Type":"rude","Action":"was","Key":"here"}"#),
        "sleep" => wait_for_ever(),
        // What was asked is the answer, unless the command is a way to answer.
        how => Reply::find(how).map_or_else(|| Answer::json(200, request), |reply| reply.answer(plugin)),
    }
}

fn environment() -> String {
    let directory = env::current_dir().unwrap_or_else(|_| PathBuf::new());
    let mut fields = vec![format!(r#""cwd":{}"#, quoted(&directory.to_string_lossy())), format!(r#""pid":{}"#, id())];
    let variables = env::vars().filter(|(name, _)| name.starts_with("RS_"));
    fields.extend(variables.map(|(name, value)| format!(r#""{name}":{}"#, quoted(&value))));
    format!("{{{}}}", fields.join(","))
}
