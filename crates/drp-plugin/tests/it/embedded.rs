//! Plugins inside of this process, with hosts of bare sockets around them.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use drp_client::{Config, Credentials, TlsPolicy};
use drp_plugin::{Context, Event, Listen, ListenError, On, Provider, Selector};
use raw_peer::{Api, CALLBACK_PREFIX, Callbacks, eventually, post};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::{
    peer::{ACTION, CONFIG, STOP, action},
    subject::{State, provider},
};

struct Embedded {
    dir: TempDir,
    callbacks: Callbacks,
    running: JoinHandle<Result<(), ListenError>>,
}

impl Embedded {
    fn start(runtime: &Runtime, provider: &Arc<Provider<State>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let callbacks = Callbacks::serve(&dir.path().join("from"), CALLBACK_PREFIX);
        let running = runtime.spawn(provider.listen_on(listen(&dir)));
        let plugin = Self { dir, callbacks, running };
        eventually("it serves", || std::os::unix::net::UnixStream::connect(plugin.socket()).ok());
        plugin
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("to")
    }

    fn configure(&self, token: &str) {
        assert_eq!(post(&self.socket(), CONFIG, &json!({"Name": "one", "subject/token": token})).0, 200);
    }

    fn act(&self, command: &str, params: &Value) -> (u16, Value) {
        post(&self.socket(), ACTION, &action(command, params))
    }
}

fn listen(dir: &TempDir) -> Listen {
    let server = Config::new("https://127.0.0.1:1", Credentials::Token("rs-t0ken-embedded".into()));
    Listen::new(dir.path().join("to"), dir.path().join("from"), server)
}

#[test]
fn two_live_in_one_process_and_one_ends_without_the_other() {
    let runtime = Runtime::new().unwrap();
    let provider = Arc::new(provider());
    let (one, two) = (Embedded::start(&runtime, &provider), Embedded::start(&runtime, &provider));
    one.configure("t0ken-one");
    two.configure("t0ken-two");
    one.act("log", &json!({"subject/count": 3}));
    one.callbacks.wait_for_line("line 2");
    assert!(two.callbacks.lines().iter().all(|line| !line.to_string().contains("line ")));

    assert_eq!(post(&one.socket(), STOP, &Value::Null).0, 200);
    assert!(runtime.block_on(one.running).unwrap().is_ok());
    one.callbacks.wait_for_line("the stop hook ran");
    assert!(!one.dir.path().join("to").exists());
    assert_eq!(two.act("limit", &json!({})), (200, json!(10)));

    // Nobody stops it: it ends when nobody wants it any more.
    two.running.abort();
    eventually("nobody serves", || std::os::unix::net::UnixStream::connect(two.socket()).err());
}

#[test]
fn a_panic_is_told_to_its_host_without_secrets_and_the_process_keeps_its_hook() {
    let runtime = Runtime::new().unwrap();
    let plugin = Embedded::start(&runtime, &Arc::new(provider()));
    plugin.configure("t0ken-panic");
    let login = json!({"subject/password": "hunter2-embedded", "subject/panic": true});
    assert_eq!(plugin.act("login", &login).0, 500);
    plugin.callbacks.wait_for_line("panicked: no use for [secret]");
    assert_eq!(plugin.act("limit", &json!({})), (200, json!(10)));
    assert!(plugin.callbacks.lines().iter().all(|line| !line.to_string().contains("hunter2")));
}

#[test]
fn what_is_wrong_is_an_error_of_its_future() {
    let runtime = Runtime::new().unwrap();
    let plugin = Embedded::start(&runtime, &Arc::new(provider()));
    let second = runtime.block_on(Arc::new(provider()).listen_on(listen(&plugin.dir)));
    assert!(matches!(second, Err(ListenError::InUse { .. })), "{second:?}");
    let wrong = Arc::new(Provider::new("a/b", "v1.0.0"));
    let dir = tempfile::tempdir().unwrap();
    let refused = runtime.block_on(wrong.listen_on(listen(&dir))).unwrap_err();
    assert!(refused.to_string().contains("Invalid Name"), "{refused}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[derive(Deserialize, JsonSchema)]
struct Watched {
    #[serde(rename = "watcher/events")]
    events: Vec<Selector>,
}

#[test]
fn a_configuration_that_the_server_does_not_confirm_leaves_the_events_of_the_old_one() {
    let provider = Provider::new("watcher", "v1.0.0")
        .configure(async |_: Context<()>, config: Watched| Ok(config.events))
        .event(On::computed(|events: &Vec<Selector>| events.clone()), async |_: Context<_>, _: Event| Ok(()));
    let (api, dir, runtime) = (Api::events(), tempfile::tempdir().unwrap(), Runtime::new().unwrap());
    let _callbacks = Callbacks::serve(&dir.path().join("from"), CALLBACK_PREFIX);
    let mut listen = listen(&dir);
    listen.server.endpoint = api.endpoint().to_owned();
    listen.server.tls = TlsPolicy::RootsOrPinFirst;
    listen.server.request_time = Duration::from_millis(200);
    let running = runtime.spawn(Arc::new(provider).listen_on(listen));
    let socket = dir.path().join("to");
    eventually("it serves", || std::os::unix::net::UnixStream::connect(&socket).ok());

    let configure = |events: &str| post(&socket, CONFIG, &json!({"watcher/events": [events]})).0;
    assert_eq!(configure("one.*.*"), 200);
    api.wait_until_registered(&["one.*.*"]);
    api.stall();
    assert_eq!(configure("two.*.*"), 500);
    api.cut();
    api.wait_until_registered(&["one.*.*"]);
    assert_eq!(configure("two.*.*"), 200);
    api.wait_until_registered(&["two.*.*"]);
    running.abort();
}
