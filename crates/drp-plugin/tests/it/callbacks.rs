//! What a plugin asks of its host, and what it serves itself, on bare sockets.

use raw_peer::send;
use serde_json::{Value, json};

use crate::peer::{Host, SECRET, Start};

#[test]
fn events_objects_and_leaving_go_over_the_callback_socket_under_either_prefix() {
    for prefix in ["/api-server-plugin/v4", "/api-plugin-server/v4"] {
        let host = Host::start_with(&Start { prefix: Some(prefix), ..Start::default() });
        host.configure();
        assert_eq!(host.act("publish", &json!({})), (200, Value::Null), "{prefix}");
        let event = &host.callbacks.said("publish")[0];
        for (key, value) in [("Type", "subjects"), ("Action", "told"), ("Key", "a/b"), ("Object", "instance")] {
            assert_eq!(event[key], json!(value), "{event}");
        }
        assert_eq!(host.act("list", &json!({})), (200, json!(2)), "{prefix}");

        let leave = |code: u16| {
            let params = json!({"subject/code": code, "subject/message": format!("no use for {SECRET}")});
            assert_eq!(host.act("leave", &params), (200, Value::Null), "{prefix}");
            host.callbacks.said("leaving").pop().unwrap()
        };
        let reason = leave(500);
        assert_eq!((&reason["Code"], &reason["Messages"]), (&json!(500), &json!(["no use for [secret]"])));
        assert_eq!(leave(403)["Code"], json!(403), "only who says so by name has the provider removed");
    }
}

#[test]
fn a_host_that_does_not_answer_is_an_error_of_the_action() {
    let host = Host::start_with(&Start { prefix: Some("/elsewhere"), ..Start::default() });
    host.configure();
    let (status, body) = host.act("publish", &json!({}));
    assert_eq!(status, 404);
    assert!(
        body["Messages"][0].as_str().unwrap().starts_with("cannot publish the event: the host answered 404"),
        "{body}"
    );
}

#[test]
fn health_and_metrics_are_served_by_every_plugin_and_nothing_else_without_an_endpoint() {
    let host = Host::start();
    let get = |path: &str| send(&host.socket(), "GET", &format!("/api/v3/plugin-apis/instance{path}"), &[], "");
    assert_eq!(get("/health").0, 503, "it is not configured yet");
    host.configure();
    host.act("limit", &json!({}));
    host.act("panic", &json!({}));
    let health = get("/health");
    assert_eq!(health.0, 200);
    let health: Value = serde_json::from_str(&health.1).unwrap();
    assert_eq!((&health["Plugin"], &health["Provider"]), (&json!("instance"), &json!("subject")));
    let metrics = get("/metrics").1;
    for line in ["drp_plugin_actions_total 2", "drp_plugin_actions_failed_total 1", "drp_plugin_actions_running 0"] {
        assert!(metrics.lines().any(|there| there == line), "{line} in {metrics}");
    }
    let other = get("/anything");
    assert_eq!(other.0, 404);
    assert!(other.1.contains("no such path of this plugin: GET /anything"), "{}", other.1);
}
