#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::plugins::{
    peer,
    rude::{TestHost, raw},
};

/// A host with plugins that are sockets: they answer what they are asked.
struct Rooms {
    host: TestHost,
    machine: Arc<RawModel>,
}

impl Rooms {
    async fn new() -> Self {
        let host = TestHost::new().await;
        for param in [
            json!({"Name": "test/step", "Schema": {"type": "integer", "default": 1}}),
            json!({"Name": "test/key", "Secure": true, "Schema": {"type": "string", "default": "s3cr3t"}}),
        ] {
            host.create("params", param).await;
        }
        let machine = json!({"Name": "m1", "Uuid": "u-1", "Params": {"test/touched": 5}});
        let rooms = Self { host, machine: Arc::new(serde_json::from_value(machine).unwrap()) };
        rooms.offer("pb", "machines", "reset", &["test/touched"], &["test/step", "test/key", "test/none"]);
        rooms.offer("pa", "machines", "reset", &["test/missing"], &["test/step"]);
        rooms
    }

    fn offer(&self, plugin: &str, model: &str, command: &str, required: &[&str], optional: &[&str]) {
        let socket = self.host.directory.path().join(plugin);
        let caller = Arc::new(PluginCaller::new(plugin, &socket, Arc::default()));
        peer::serve(&socket, |request| peer::answer(200, &request.body));
        self.host.actions.register(&caller, &[declared(model, command, required, optional)]);
    }

    async fn run(&self, command: &str, plugin: Option<&str>, params: Value) -> Result<Value, Error> {
        let params = serde_json::from_value(params).unwrap();
        let by = Principal::system();
        let run = self.host.actions.run(&by, "machines", "Name:m1", self.machine.clone(), command, plugin, params);
        run.await.map(|answer| answer.parse().unwrap())
    }

    async fn check_refused(&self, command: &str, plugin: Option<&str>, params: Value, text: &str) {
        let error = self.run(command, plugin, params).await.unwrap_err();
        assert_eq!((error.code, error.to_string()), (400, format!("INVOKE: machines/Name:m1: {text}")));
    }
}

fn declared(model: &str, command: &str, required: &[&str], optional: &[&str]) -> AvailableAction {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    AvailableAction {
        model: model.to_owned(),
        command: command.to_owned(),
        required_params: list(required),
        optional_params: list(optional),
        ..AvailableAction::default()
    }
}

/// `#26`.
#[tokio::test]
async fn an_action_gets_what_the_caller_gave_and_what_the_object_has() {
    let rooms = Rooms::new().await;
    let mut events = rooms.host.bus.subscribe(10);
    let asked = rooms.run("reset", None, json!({"extra": 10})).await.unwrap();
    let expected = json!({
        "Model": *rooms.machine, "Plugin": "pb", "Command": "reset", "CommandSet": "machines",
        "Params": {"extra": 10, "test/touched": 5, "test/step": 1, "test/key": "s3cr3t"},
    });
    assert_eq!(asked, expected);

    let crate::bus::Delivery::Event(published) = events.next().await else { panic!("no event") };
    let event = &published.event;
    assert_eq!((event.type_.as_str(), event.action.as_str(), event.key.as_str()), ("machines", "reset", "Name:m1"));
    let mut shown = expected.clone();
    shown["Params"].as_object_mut().unwrap().remove("test/key");
    assert_eq!(event.object, raw(shown));
}

/// `#27`.
#[tokio::test]
async fn neither_a_plugin_nor_an_event_gets_the_hash_of_a_password() {
    let rooms = Rooms::new().await;
    rooms.offer("pu", "users", "greet", &[], &[]);
    let mut events = rooms.host.bus.subscribe(10);
    let user = json!({ "Name": "bob", "PasswordHash": "aGFzaA==", "Secret": "s3cr3t" });
    let user = Arc::new(serde_json::from_value(user).unwrap());
    let by = Principal::system();
    let asked = rooms.host.actions.run(&by, "users", "bob", user, "greet", None, Params::default()).await.unwrap();
    assert_eq!(asked.parse::<Value>().unwrap()["Model"], json!({ "Name": "bob" }));
    let crate::bus::Delivery::Event(published) = events.next().await else { panic!("no event") };
    assert_eq!(published.event.object.parse::<Value>().unwrap()["Model"], json!({ "Name": "bob" }));
}

#[tokio::test]
async fn a_caller_is_told_what_is_wrong() {
    let rooms = Rooms::new().await;
    let check = async |command, plugin, params, text| rooms.check_refused(command, plugin, params, text).await;
    check("nosuch", None, json!({}), "Action nosuch on machines: Not Found").await;
    check("reset", Some("px"), json!({}), "Action reset on machines for plugin px not found").await;
    check("reset", Some("pa"), json!({}), "Action reset Missing Parameter test/missing").await;
    let text = "Action reset: Invalid Parameter: test/step: : (root): Invalid type. Expected: integer, given: string";
    check("reset", Some("pb"), json!({"test/step": "x"}), text).await;
    let text = "Action reset cannot be passed secure parameter test/key via the API";
    check("reset", Some("pb"), json!({"test/key": "x"}), text).await;
}

#[tokio::test]
async fn queries_show_what_can_be_done_now() {
    let rooms = Rooms::new().await;
    let actions = &rooms.host.actions;
    rooms.offer("pc", "", "status", &[], &[]);
    rooms.offer("pe", "machines", "add", &[], &[]);
    rooms.offer("pd", "machines", "add", &[], &[]);
    let list = |plugin: Option<&str>| {
        let found = actions.list("machines", &rooms.machine, plugin);
        found.into_iter().map(|action| action.command).collect::<Vec<_>>()
    };
    assert_eq!(list(None), ["add", "reset"]);
    assert_eq!(list(Some("pa")), [""; 0]);
    let bare = RawModel::default();
    assert_eq!(actions.list("machines", &bare, None).len(), 1);

    let find = |prefix: &str, key: &str, object: &RawModel, command: &str| {
        actions.find(prefix, key, object, command, None).map_err(|error| (error.code, error.to_string()))
    };
    assert_eq!(find("machines", "u-1", &rooms.machine, "reset").unwrap().command, "reset");
    let missing = find("machines", "u-1", &bare, "reset").unwrap_err();
    assert_eq!(missing, (400, "GET: machines/u-1: Action reset Missing Parameter test/touched".to_owned()));
    let unknown = find("machines", "u-1", &rooms.machine, "nosuch").unwrap_err();
    assert_eq!(unknown, (404, "GET: machines/u-1: nosuch: Not Found".to_owned()));
    let unknown = find("system", "global", &bare, "nosuch").unwrap_err();
    assert_eq!(unknown, (404, "GET: profiles/global: nosuch: Not Found".to_owned()));
    assert_eq!(find("system", "global", &bare, "status").unwrap().model, "");
}

#[tokio::test]
async fn a_plugin_that_stops_takes_no_more_actions() {
    let rooms = Rooms::new().await;
    let socket = rooms.host.directory.path().join("pe");
    let caller = Arc::new(PluginCaller::new("pe", &socket, Arc::default()));
    rooms.host.actions.register(&caller, &[declared("machines", "slow", &[], &[])]);
    caller.drain(std::time::Duration::ZERO).await;
    let error = rooms.run("slow", None, json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "INVOKE: machines/Name:m1: Action not available slow: unloading");
    rooms.host.actions.unregister("pe");
    rooms.check_refused("slow", None, json!({}), "Action slow on machines: Not Found").await;
}

#[tokio::test]
async fn an_action_goes_on_when_its_client_hangs_up() {
    let rooms = Rooms::new().await;
    let socket = rooms.host.directory.path().join("pe");
    let caller = Arc::new(PluginCaller::new("pe", &socket, Arc::default()));
    let requests = peer::serve(&socket, |_| Some(String::new()));
    rooms.host.actions.register(&caller, &[declared("machines", "slow", &[], &[])]);
    {
        let run = rooms.run("slow", None, json!({}));
        tokio::pin!(run);
        let seen = tokio::task::spawn_blocking(move || requests.recv().map(|_| requests));
        tokio::select! {
            _ = &mut run => panic!("nobody answered"),
            seen = seen => drop(seen.unwrap()),
        }
    }
    let drain = caller.drain(std::time::Duration::from_secs(60));
    tokio::pin!(drain);
    assert!(futures_util::poll!(&mut drain).is_pending(), "the call counts as in flight");
    caller.fail_all();
    drain.await;
}
