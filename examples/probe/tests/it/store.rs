//! Counting on the server.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use raw_peer::Api;
use serde_json::{Value, json};

use crate::peer::{ACTION, Probe};

const UUID: &str = "87a74f0e-d168-4687-99e8-8fd3a7ed551b";
const PARAMS: &str = "/api/v3/machines/87a74f0e-d168-4687-99e8-8fd3a7ed551b/params";

/// A machine's params on a server, and how many writes are still to fail because somebody else is faster.
#[derive(Default)]
struct Server {
    params: Value,
    faster: u32,
    conflicts: u32,
    /// How many writes are still to fail for a reason that nobody knows.
    obscure: u32,
}

impl Server {
    fn answer(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let path = path.split('?').next().unwrap().replace("%2F", "/");
        match (method, path.strip_prefix(PARAMS)) {
            ("GET", Some("")) => (200, self.params.clone()),
            ("GET", Some(name)) => (200, self.params.get(&name[1..]).cloned().unwrap_or(Value::Null)),
            ("PATCH", Some("")) => self.patch(&serde_json::from_str::<Vec<Value>>(body).unwrap()),
            _ => (404, json!({"Messages": [format!("{method} {path}")], "Code": 404})),
        }
    }

    fn patch(&mut self, patch: &[Value]) -> (u16, Value) {
        if self.obscure > 0 {
            self.obscure -= 1;
            return (409, json!({"Type": "PATCH", "Messages": ["not now"], "Code": 409}));
        }
        if self.faster > 0 {
            self.faster -= 1;
            let counter = self.params["probe/counter"].as_i64().unwrap_or(0);
            self.params["probe/counter"] = json!(counter + 100);
        }
        let mut params = self.params.clone();
        for operation in patch {
            let path = operation["path"].as_str().unwrap();
            let value = operation["value"].clone();
            match operation["op"].as_str().unwrap() {
                "test" if params.pointer(path) == Some(&value) => {}
                "test" => {
                    self.conflicts += 1;
                    let text = "Patch failed to apply at line 0: Test op failed";
                    return (409, json!({"Type": "PATCH", "Messages": [text], "Code": 409}));
                }
                _ => params[path[1..].replace("~1", "/")] = value,
            }
        }
        self.params = params.clone();
        (200, params)
    }
}

fn serve(params: Value, faster: u32) -> (Arc<Mutex<Server>>, Api) {
    let server = Arc::new(Mutex::new(Server { params, faster, ..Server::default() }));
    let state = Arc::clone(&server);
    (server, Api::serve(move |method, path, body| state.lock().unwrap().answer(method, path, body)))
}

fn store(probe: &Probe) -> (u16, Value) {
    let machine = json!({"Uuid": UUID, "Name": "one", "HardwareAddrs": []});
    probe.post(ACTION, &json!({"Command": "store", "CommandSet": "machines", "Model": machine, "Params": {}}))
}

#[test]
fn one_is_added_and_an_absent_counter_is_none() {
    let (server, api) = serve(json!({"other": 1}), 0);
    let probe = Probe::under(api.endpoint());
    probe.configure(&json!({"probe/events": []}));
    assert_eq!(store(&probe), (200, json!(1)));
    assert_eq!(store(&probe), (200, json!(2)));
    assert_eq!(server.lock().unwrap().params, json!({"other": 1, "probe/counter": 2}));
}

#[test]
fn who_was_faster_is_counted_in() {
    let (server, api) = serve(json!({"probe/counter": 5}), 3);
    let probe = Probe::under(api.endpoint());
    probe.configure(&json!({"probe/events": []}));
    assert_eq!(store(&probe), (200, json!(306)));
    assert_eq!(server.lock().unwrap().conflicts, 3);
}

#[test]
fn a_conflict_in_words_that_nobody_knows_is_tried_again_but_not_for_long() {
    let (server, api) = serve(json!({}), 0);
    let probe = Probe::under(api.endpoint());
    probe.configure(&json!({"probe/events": []}));
    server.lock().unwrap().obscure = 3;
    assert_eq!(store(&probe), (200, json!(1)));
    server.lock().unwrap().obscure = 100;
    let (status, body) = store(&probe);
    assert!(status == 409 && body["Messages"].to_string().contains("not now"), "{status} {body}");
    assert!(server.lock().unwrap().obscure > 90);
}

#[test]
fn no_increment_is_lost_among_many_at_once() {
    let (server, api) = serve(json!({}), 0);
    let probes: Vec<Probe> = (0..2).map(|_| Probe::under(api.endpoint())).collect();
    probes.iter().for_each(|probe| probe.configure(&json!({"probe/events": []})));
    thread::scope(|scope| {
        for n in 0..20 {
            let probe = &probes[n % 2];
            scope.spawn(move || assert_eq!(store(probe).0, 200));
        }
    });
    assert_eq!(server.lock().unwrap().params["probe/counter"], json!(20));
}
