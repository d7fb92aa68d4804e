//! The provider in service: what it answers to each call, and what else it does.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    io::{BufReader, Write, stderr, stdout},
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, exit},
    sync::Mutex,
    thread,
    time::Duration,
};

use crate::{
    action,
    answer::{Answer, DONE, Reply},
    callback, http, modes, wait_for_ever,
};

/// Zombies of `serve-zombies`.
const ZOMBIES: usize = 20;

/// A running plugin.
pub(crate) struct Plugin {
    /// Where the host listens.
    pub(crate) from_plugin: PathBuf,
    mode: Mutex<&'static str>,
    /// The last config body.
    config: Mutex<String>,
}

impl Plugin {
    pub(crate) fn new(from_plugin: &Path, mode: &'static str) -> Self {
        Self { from_plugin: from_plugin.to_owned(), mode: Mutex::new(mode), config: Mutex::default() }
    }

    /// Answers the requests of one connection.
    pub(crate) fn serve(&self, stream: UnixStream) {
        let Ok(reader) = stream.try_clone() else { return };
        let (mut reader, mut writer) = (BufReader::new(reader), stream);
        while let Ok(Some(request)) = http::read(&mut reader) {
            let path = request.first_line.split(' ').nth(1).unwrap_or_default();
            let answer = match path {
                "/api-plugin/v4/config" => self.configure(request.body),
                "/api-plugin/v4/stop" => self.stop(),
                "/api-plugin/v4/publish" => self.take_event(&request.body),
                "/api-plugin/v4/action" => action::run(self, &request.body),
                _ => Answer::json(404, format!(r#"{{"Type":"POST","Key":"{path}","Messages":null,"Code":404}}"#)),
            };
            if answer.send(&mut writer).is_err() {
                return;
            }
        }
    }

    /// The text of a param of the last config.
    pub(crate) fn param(&self, name: &str) -> String {
        self.config.lock().map(|config| field(&config, name)).unwrap_or_default()
    }

    /// The last config.
    pub(crate) fn config(&self) -> String {
        self.config.lock().map(|config| config.clone()).unwrap_or_default()
    }

    fn mode(&self) -> &'static str {
        self.mode.lock().map(|mode| *mode).unwrap_or_default()
    }

    fn configure(&self, body: String) -> Answer {
        eprintln!("Received Config request: {body}");
        let asked = modes::find(&field(&body, "rude/mode"));
        if let Ok(mut mode) = self.mode.lock()
            && !asked.is_empty()
        {
            *mode = asked;
        }
        if let Ok(mut config) = self.config.lock() {
            *config = body;
        }
        match self.mode().split_once('-') {
            Some(("config", how)) => Reply::find(how).map_or_else(Answer::done, |reply| reply.answer(self)),
            Some(("serve", how)) => {
                self.misbehave(how);
                Answer::done()
            }
            _ => Answer::done(),
        }
    }

    /// What goes on while the plugin answers as it should.
    fn misbehave(&self, how: &str) {
        let socket = self.from_plugin.clone();
        match how {
            "flood" => drop(thread::spawn(|| flood())),
            "fork" => (0..5).for_each(|_| drop(helper())),
            "daemon" => drop(daemon()),
            "zombies" => zombies(),
            "crash" => drop(thread::spawn(|| {
                thread::sleep(Duration::from_millis(RandomState::new().build_hasher().finish() % 300));
                eprintln!("I had enough");
                exit(9);
            })),
            _ => drop(thread::spawn({
                let how = how.to_owned();
                move || callback::misuse(&socket, &how)
            })),
        }
    }

    fn stop(&self) -> Answer {
        match self.mode() {
            "stop-refuse" => Answer::json(500, r#"{"Type":"plugin","Messages":["I will not"],"Code":500}"#),
            "stop-ignore" => Answer::done(),
            "stop-silent" | "stop-stubborn" => wait_for_ever(),
            "stop-exit" => exit(0),
            _ => {
                // A Go plugin logs, and exits before its answer is out.
                let _ = http::post(&self.from_plugin, "log", r#"{"Level":"info","Message":"STOPPING"}"#);
                exit(0);
            }
        }
    }

    fn take_event(&self, event: &str) -> Answer {
        match self.mode() {
            "publish-slow" => thread::sleep(Duration::from_millis(200)),
            "publish-silent" => wait_for_ever(),
            "publish-error" => return Answer::json(500, r#"{"Type":"plugin","Messages":["no events"],"Code":500}"#),
            "publish-echo" => {
                let _ = http::post(&self.from_plugin, "publish", r#"{"Type":"echo","Action":"was","Key":"heard"}"#);
            }
            _ => println!("event {event}"),
        }
        Answer::json(200, DONE)
    }
}

/// The text of a key, wherever it stands in the JSON: the tests use no texts with quotes.
pub(crate) fn field(json: &str, key: &str) -> String {
    let rest = json.split_once(&format!("\"{key}\":\"")).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Writes lines to both outputs for ever, or until nobody reads them.
pub(crate) fn flood() -> ! {
    thread::spawn(|| {
        let line = format!("{}\n", "e".repeat(99)).repeat(100);
        while stderr().write_all(line.as_bytes()).is_ok() {}
    });
    let line = format!("{}\n", "o".repeat(99)).repeat(100);
    while stdout().write_all(line.as_bytes()).is_ok() {}
    wait_for_ever();
}

/// A program that outlives its parent unless somebody ends the group.
pub(crate) fn helper() -> Option<Child> {
    Command::new("sleep").arg("1000").spawn().ok()
}

/// A program that has left the group, as daemons do.
fn daemon() -> Option<Child> {
    // A shell in a group of its own; it ends by itself, because no host reaches it.
    Command::new("sleep").arg("5").process_group(0).spawn().ok()
}

fn zombies() {
    for _ in 0..ZOMBIES {
        drop(Command::new("true").spawn());
    }
}
