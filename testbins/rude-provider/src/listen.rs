//! The provider while it listens.

use std::{
    env, fs,
    io::BufReader,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, exit},
    sync::Mutex,
    thread,
};

use crate::{
    definition::quoted,
    http::{Message, answer, post, read},
    wait_for_ever,
};

/// The last config body.
static CONFIG: Mutex<String> = Mutex::new(String::new());

/// The answer "done" of a Go plugin.
const DONE: &str = r#"{"Model":"","Key":"","Type":"","Messages":null,"Code":200}"#;

/// Serves until it is stopped, each connection in a thread of its own.
pub(crate) fn serve(to_plugin: &Path, from_plugin: &Path) {
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
        let from_plugin = from_plugin.to_owned();
        thread::spawn(move || connection(stream, &from_plugin));
    }
}

fn connection(stream: UnixStream, from_plugin: &Path) {
    let Ok(reader) = stream.try_clone() else { return };
    let (mut reader, mut writer) = (BufReader::new(reader), stream);
    while let Ok(Some(request)) = read(&mut reader) {
        let path = request.first_line.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match path {
            "/api-plugin/v4/config" => config(request.body),
            "/api-plugin/v4/stop" => stop(from_plugin),
            "/api-plugin/v4/publish" => {
                println!("event {}", request.body);
                (200, DONE.to_owned())
            }
            "/api-plugin/v4/action" => action(&request, from_plugin),
            _ => (404, format!(r#"{{"Type":"POST","Key":"{path}","Messages":null,"Code":404}}"#)),
        };
        if answer(&mut writer, status, &body).is_err() {
            return;
        }
    }
}

fn config(body: String) -> (u16, String) {
    let manner = field(&body, "rude/config");
    eprintln!("Received Config request: {body}");
    if let Ok(mut config) = CONFIG.lock() {
        *config = body;
    }
    let error = r#"{"Model":"plugin","Key":"rude","Type":"plugin","Messages":["bad outlet"],"Code":422}"#;
    match manner.as_str() {
        "error" => (422, error.to_owned()),
        // As Go plugins do it: the error is a string in another error.
        "error-in-error" => {
            let outer = format!(r#"{{"Model":"","Key":"","Type":"","Messages":[{}],"Code":422}}"#, quoted(error));
            (422, outer)
        }
        "forbidden" => (403, r#"{"Type":"LICENSE","Messages":["no licence"],"Code":403}"#.to_owned()),
        "garbage" => (200, "<html>".to_owned()),
        "crash" => {
            eprintln!("cannot bear this config");
            exit(5);
        }
        "hang" => wait_for_ever(),
        _ => (200, DONE.to_owned()),
    }
}

fn stop(from_plugin: &Path) -> (u16, String) {
    let config = CONFIG.lock().map(|config| config.clone()).unwrap_or_default();
    match field(&config, "rude/stop").as_str() {
        "refuse" => (500, r#"{"Type":"plugin","Messages":["I will not"],"Code":500}"#.to_owned()),
        "ignore" => (200, DONE.to_owned()),
        "hang" => wait_for_ever(),
        _ => {
            // A Go plugin logs, and exits before its answer is out.
            let _ = post(from_plugin, "log", r#"{"Level":"info","Message":"STOPPING"}"#);
            exit(0);
        }
    }
}

fn action(request: &Message, from_plugin: &Path) -> (u16, String) {
    let config = CONFIG.lock().map(|config| config.clone()).unwrap_or_default();
    match field(&request.body, "Command").as_str() {
        "crash" => {
            eprintln!("crashing as told");
            exit(3);
        }
        "environment" => (200, environment()),
        "error" => (418, r#"{"Model":"plugin","Key":"rude","Type":"rpc","Messages":["no tea"],"Code":418}"#.to_owned()),
        "error-text" => (500, "plain text".to_owned()),
        "garbage" => (200, "<html>".to_owned()),
        "helper" => (200, helper().map_or(0, |helper| helper.id()).to_string()),
        "leave" => (200, called(post(from_plugin, "leaving", "null"))),
        "withdraw" => (200, called(post(from_plugin, "leaving", r#"{"Code":403,"Messages":["licence expired"]}"#))),
        "log-token" => {
            let token = field(&config, "rude/token");
            let line = format!(r#"{{"Level":"panic","Principal":"root","Message":"token={token}"}}"#);
            (200, called(post(from_plugin, "log", &line)))
        }
        "post-event" => (200, called(post(from_plugin, "publish", r#"{"Type":"rude","Action":"was","Key":"here"}"#))),
        "sleep" => wait_for_ever(),
        // What was asked is the answer.
        _ => (200, request.body.clone()),
    }
}

/// A program that outlives its parent unless somebody ends the group.
pub(crate) fn helper() -> Option<Child> {
    Command::new("sleep").arg("1000").spawn().ok()
}

fn environment() -> String {
    let directory = env::current_dir().unwrap_or_else(|_| PathBuf::new());
    let mut fields =
        vec![format!(r#""cwd":{}"#, quoted(&directory.to_string_lossy())), format!(r#""pid":{}"#, std::process::id())];
    let variables = env::vars().filter(|(name, _)| name.starts_with("RS_"));
    fields.extend(variables.map(|(name, value)| format!(r#""{name}":{}"#, quoted(&value))));
    format!("{{{}}}", fields.join(","))
}

fn called(answer: std::io::Result<String>) -> String {
    quoted(&answer.unwrap_or_else(|error| error.to_string()))
}

/// The text of a key, wherever it stands in the JSON: the tests use no texts with quotes.
fn field(json: &str, key: &str) -> String {
    let rest = json.split_once(&format!("\"{key}\":\"")).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}
